// How the page behaves for everybody: keyboard, names, contrast, narrow screens, motion, and what its policy holds back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { add, atRest, onPage, played, say, shown, start, stop, talk } from "./page.mjs";
import { answering, calling, modelServer, stream, streaming } from "./model-server.mjs";

before(start);
after(stop);

test("everything can be done by keyboard alone", async () => {
  const server = await modelServer([calling(["write_file", { path: "a.txt", content: "one\n" }]), answering("Done.")]);
  try {
    await onPage(async (page) => {
      const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
      const focused = () =>
        page.evaluate(() => {
          const { activeElement: at } = document;
          return at.labels?.[0]?.textContent.trim().split("\n")[0].trim() || at.textContent.trim().split("\n")[0] || at.getAttribute("aria-label");
        });
      const tabTo = async (name) => {
        const seen = [];
        while (!seen.at(-1)?.startsWith(name)) {
          assert.ok(seen.length < 40, `${name} is not reached: ${seen.join(", ")}`);
          await press("Tab");
          seen.push(await focused());
          const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
          assert.notEqual(outline, "none", `the focus on ${seen.at(-1)} can't be seen`);
        }
        return seen;
      };
      assert.deepEqual((await tabTo("Speed")).slice(0, 2), ["Skip to the message", "Import"]);
      await tabTo("Base URL");
      await page.keyboard.type(server.baseUrl);
      await tabTo("Model");
      await page.keyboard.type("some-model");
      await tabTo("Ask me before");
      await page.keyboard.type("changes");
      await press("Enter");
      await tabTo("Start a conversation");
      await press("Enter");
      assert.equal(await focused(), "Message");
      await page.keyboard.type("Write");
      await press("Shift+Enter");
      await page.keyboard.type("a file");
      await press("Enter");
      await page.getByRole("group", { name: "May write_file run?" }).waitFor();
      await tabTo("Approve");
      await press("Enter");
      await shown(page, "Done.").waitFor();
      await atRest(page);
      assert.equal(server.requests[0].body.messages.at(-1).content, "Write\na file");
      await tabTo("a.txt");
      await press("Enter");
      assert.equal(await focused(), "a.txt");
      await tabTo("Remove");
      await press("Escape");
      assert.equal(await focused(), "a.txtnew");
    });
  } finally {
    server.close();
  }
});

test("what happens is said to who listens", async () => {
  const server = await modelServer([calling(["write_file", { path: "a.txt", content: "one" }]), answering("Done.")]);
  try {
    await onPage(async (page) => {
      await talk(page, server.baseUrl, { approve: "all" });
      const status = page.getByRole("status");
      await say(page, "Write");
      await status.filter({ hasText: "write_file waits for your approval" }).waitFor();
      await page.getByRole("button", { name: "Approve" }).click();
      await status.filter({ hasText: "Answer: Done." }).waitFor();
    });
  } finally {
    server.close();
  }
});

for (const colorScheme of ["light", "dark"]) {
  test(`every text can be read, and every control has a name: ${colorScheme}`, async () => {
    const server = await modelServer([
      calling(["read_file", { path: "missing.md" }], ["write_file", { path: "a.md", content: "b\n" }]),
      streaming(stream([{ reasoning_content: "Hm." }, { content: "# Title\n\nUse `a` and **b**:\n\n```\ncode\n```" }])),
      (response) => response.writeHead(401).end("{}"),
    ]);
    try {
      await onPage(
        async (page) => {
          await readable(page);
          await page.getByText("What a browser allows").click();
          await readable(page);
          await add(page, { "a.md": "a\n" });
          await talk(page, server.baseUrl, { approve: "writes" });
          await say(page, "Hello");
          await page.getByRole("button", { name: "Refuse" }).waitFor();
          await readable(page);
          await page.getByRole("button", { name: "Approve" }).click();
          await shown(page, "Title").waitFor();
          for (const summary of await page.locator("#log summary").all()) await summary.click();
          await page.getByRole("button", { name: "a.md changed" }).click();
          await atRest(page);
          await say(page, "Again");
          await page.getByRole("heading", { name: "The server refuses the key" }).waitFor();
          await readable(page);
          await page.getByRole("button", { name: "Settings" }).first().click();
          await readable(page);
        },
        { colorScheme },
      );
    } finally {
      server.close();
    }
  });
}

for (const width of [360, 390, 820, 1280]) {
  test(`nothing is wider than a screen of ${width} pixels`, () =>
    onPage(
      async (page) => {
        const fits = async (what) => {
          const [scrollWidth, clientWidth] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
          assert.ok(scrollWidth <= clientWidth, `${what}: ${scrollWidth} of ${clientWidth}`);
          const outside = await page.evaluate(() =>
            [...document.querySelectorAll("button, input, select, textarea, summary, p, h2, h3")]
              .filter((one) => one.checkVisibility() && !one.closest("pre, .unseen") && one.getBoundingClientRect().right > innerWidth + 0.5)
              .map((one) => one.outerHTML.slice(0, 90)),
          );
          assert.deepEqual(outside, [], what);
        };
        await page.getByText("What a browser allows").click();
        await fits("the start");
        await played(page);
        for (const summary of await page.locator("#log summary").all()) await summary.click();
        await fits("the conversation");
        if (width < 820) await page.getByRole("button", { name: /^Files/ }).click();
        await page.getByRole("button", { name: "2026-11-19.md" }).click();
        await fits("the files");
        await page.getByRole("button", { name: "Settings" }).click();
        await fits("the dialog");
      },
      { viewport: { width, height: 800 } },
    ));
}

test("nothing moves for who wants no motion", () =>
  onPage(
    async (page) => {
      await page.getByRole("button", { name: "Play" }).click();
      await page.locator("#busy").waitFor();
      assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    },
    { reducedMotion: "reduce" },
  ));

test("markup of a model stays text", async () => {
  const markup = '<img src=x onerror="document.title=1"><script>document.title = 2</script> **bold** `<b>`';
  const server = await modelServer([answering(markup)]);
  try {
    await onPage(async (page) => {
      await talk(page, server.baseUrl);
      await say(page, markup);
      await shown(page, "bold").waitFor();
      assert.equal(await page.locator("#log img, #log script, #log b").count(), 0);
      assert.match(await page.locator(".answer").textContent(), /<img src=x onerror=/);
      assert.equal(await page.title(), "Dewclaw");
    });
  } finally {
    server.close();
  }
});

test("the page's policy refuses what it does not need", () =>
  onPage(async (page) => {
    const refused = await page.evaluate(async () => {
      const violated = [];
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => violated.push(effectiveDirective));
      const outcome = {};
      try {
        document.body.innerHTML += "<p>";
        outcome.markup = "taken";
      } catch {
        outcome.markup = "refused";
      }
      // A debugger's own code is let through, what it has put off is not.
      await new Promise((resolve) => setTimeout(resolve));
      try {
        new Function("return 1");
        outcome.code = "taken";
      } catch {
        outcome.code = "refused";
      }
      const image = new Image();
      await new Promise((resolve) => {
        image.onerror = resolve;
        image.src = "http://127.0.0.1:9/x.png";
      });
      return { ...outcome, violated };
    });
    assert.equal(refused.markup, "refused");
    assert.equal(refused.code, "refused");
    assert.ok(refused.violated.includes("img-src"));
  }).catch((error) => {
    // The console says each refusal: that is what was provoked here, and all.
    if (!/Content Security Policy|Trusted ?Types|TrustedHTML/.test(error.message)) throw error;
  }));

/** Holds what can be seen to WCAG's contrast of 4.5, and controls to a name. */
async function readable(page) {
  const found = await page.evaluate(() => {
    const channels = (color) => {
      const canvas = new OffscreenCanvas(1, 1).getContext("2d");
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = ([r, g, b]) => {
      const [red, green, blue] = [r, g, b].map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = (one) => {
      for (let at = one; at; at = at.parentElement) {
        const color = channels(getComputedStyle(at).backgroundColor);
        if (color[3] === 255) return color;
      }
      return [255, 255, 255];
    };
    const faint = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let count = 0;
    while (texts.nextNode()) {
      const one = texts.currentNode.parentElement;
      if (!texts.currentNode.data.trim() || !one.checkVisibility() || one.closest(".unseen, :disabled, .skip")) continue;
      count += 1;
      const [light, dark] = [luminance(channels(getComputedStyle(one).color)), luminance(ground(one))].sort((a, b) => b - a);
      const contrast = (light + 0.05) / (dark + 0.05);
      if (contrast < 4.5) faint.push(`${contrast.toFixed(2)} ${one.outerHTML.slice(0, 80)}`);
    }
    const nameless = [...document.querySelectorAll("button, input, select, textarea, summary")].filter(
      (one) => !(one.labels?.length || one.getAttribute("aria-label") || one.textContent.trim()),
    );
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    return { faint, nameless: nameless.map((one) => one.outerHTML), count, twice: ids.filter((id, at) => ids.indexOf(id) !== at) };
  });
  assert.ok(found.count > 10, "there is text to look at");
  assert.deepEqual([found.faint, found.nameless, found.twice], [[], [], []]);
}
