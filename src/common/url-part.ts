/** Decodes a user name or password of a URL; returns it unchanged where its percent signs are no encoding. */
export function decodedPart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
