/** A user name or password of a URL as it is meant; as it stands where its percent signs are none of an encoding. */
export function decodedPart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
