// Files that come with the page as gzip, so that a visit is as small on a server that compresses nothing.

/** One of them, unpacked. A server may have unpacked it on its way already. @param {string} name from the page @returns {Promise<Response>} */
export async function shipped(name) {
  const answer = await fetch(new URL(`../${name}.gz`, import.meta.url));
  if (!answer.ok) throw new Error(`${name}.gz could not be loaded: the server answered ${answer.status}`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (bytes[0] !== 0x1f) return new Response(bytes);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}
