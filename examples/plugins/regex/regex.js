// Regular expressions as JavaScript has them: a plugin of Dewclaw, in plain JavaScript.
//
// The pattern is a model's, and some patterns take for ever on some texts. Nothing here guards against that: the sandbox ends the call.

import { readFile } from "dewclaw:plugin/host@0.1.0";

const description = {
  name: "regex",
  version: "0.1.0",
  tools: [
    {
      name: "find",
      description:
        "The lines of a file that match a JavaScript regular expression, each as JSON with its number, its text and the named groups.",
      parameters: {
        type: "object",
        properties: {
          path: { type: "string", description: "The file, from the root of the workspace." },
          pattern: { type: "string", description: "Without slashes around it. No \\p{…}." },
          flags: { type: "string", description: "Of i and s.", default: "" },
          most: { type: "integer", minimum: 1, maximum: 1000, default: 100 },
        },
        required: ["path", "pattern"],
        additionalProperties: false,
      },
    },
    {
      name: "rewrite",
      description: "A text in which every match of a JavaScript regular expression is replaced.",
      parameters: {
        type: "object",
        properties: {
          text: { type: "string" },
          pattern: { type: "string", description: "Without slashes around it. No \\p{…}." },
          flags: { type: "string", description: "Of i, m and s.", default: "" },
          replacement: { type: "string", description: "With $1 or $<name> for groups." },
        },
        required: ["text", "pattern", "replacement"],
        additionalProperties: false,
      },
    },
  ],
};

const run = {
  find({ path, pattern, flags = "", most = 100 }) {
    const expression = compile(pattern, flags, "is", "");
    const found = [];
    let matched = 0;
    for (const [index, line] of readFile(path).split(/\r?\n/).entries()) {
      const match = expression.exec(line);
      if (match === null) continue;
      matched += 1;
      if (matched <= most) found.push(JSON.stringify({ line: index + 1, text: line, ...match.groups }));
    }
    if (matched === 0) return "no line matches";
    if (matched > most) found.push(`and ${matched - most} more`);
    return found.join("\n");
  },

  rewrite({ text, pattern, flags = "", replacement }) {
    return text.replace(compile(pattern, flags, "ims", "g"), replacement);
  },
};

function compile(pattern, flags, allowed, own) {
  const other = [...flags].find((flag) => !allowed.includes(flag));
  if (other !== undefined) throw `flags: "${other}" is not one of ${[...allowed].join(", ")}`;
  try {
    return new RegExp(pattern, flags + own);
  } catch (error) {
    throw `pattern: ${error.message}`;
  }
}

// A model wrote the arguments: each is held to the schema above.
function check(parameters, given) {
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw "the arguments are no JSON object";
  const { properties, required } = parameters;
  for (const name of required) {
    if (!(name in given)) throw `${name} is missing: give ${kind(properties[name])}`;
  }
  for (const [name, value] of Object.entries(given)) {
    const wanted = properties[name];
    if (wanted === undefined) throw `there is no argument "${name}": known are ${Object.keys(properties).join(", ")}`;
    const { type, minimum, maximum } = wanted;
    const fits =
      type === "integer" ? Number.isInteger(value) && value >= minimum && value <= maximum : typeof value === type;
    if (!fits) throw `${name} is ${JSON.stringify(value)}: give ${kind(wanted)}`;
  }
  return given;
}

function kind({ type, minimum, maximum }) {
  return type === "integer" ? `a whole number from ${minimum} to ${maximum}` : "a text";
}

function parse(json) {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw `the arguments are no JSON: ${error.message}`;
  }
}

// What is thrown is the `err` of the plugin's result, so only texts are thrown. What the host refuses comes with a `payload`.
export const tools = {
  init() {},

  describe() {
    return JSON.stringify(description);
  },

  executeTool(toolName, paramsJson) {
    const tool = description.tools.find((tool) => tool.name === toolName);
    if (tool === undefined) throw `there is no tool "${toolName}": the tools are find and rewrite`;
    const given = check(tool.parameters, parse(paramsJson));
    try {
      return run[toolName](given);
    } catch (error) {
      throw typeof error === "string" ? error : String(error.payload ?? error.message);
    }
  },
};
