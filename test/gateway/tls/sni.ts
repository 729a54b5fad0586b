/**
 * The names under which Kong looks for an SNI entity when a client asks for `serverName`, in order: the name
 * itself, its first label as `*`, its last label as `*`, and `*`.
 */
export function lookupNames(serverName: string): string[] {
  const names = [serverName];
  const star = serverName.indexOf('*');
  if (star === -1) {
    // Only below two labels: example.com has no *.com.
    const prefixed = serverName.replace(/[^.]+(\.[^.]+\.\S+)/, '*$1');
    if (prefixed !== serverName) names.push(prefixed);
    const suffixed = serverName.replace(/([^.]+\.)[^.]+$/, '$1*');
    if (suffixed !== serverName) names.push(suffixed);
  }
  names.push('*');
  return names;
}
