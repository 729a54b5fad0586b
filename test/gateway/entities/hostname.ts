/** Error of an SNI's name, or null: a host name with at most one leading or trailing `*`. */
export function wildcardHostProblem(name: string): string | null {
  const star = name.indexOf('*');
  if (star > 0 && star !== name.length - 1) return 'wildcard must be leftmost or rightmost character';
  if (star !== name.lastIndexOf('*')) return 'only one wildcard must be specified';
  return hostProblem(name.replace('*', 'wildcard'));
}

function hostProblem(host: string): string | null {
  const colons = host.split(':').length - 1;
  if (host.startsWith('[') || colons > 1) {
    return /^\[?[0-9a-f:]+\]?(:\d+)?$/i.test(host) ? 'must not be an IP' : `invalid value: ${host}`;
  }
  const [name = '', port] = host.split(':');
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) {
    return name.split('.').every((part) => Number(part) <= 255)
      ? 'must not be an IP'
      : `invalid value: ${host}`;
  }
  if (port !== undefined) return /^\d+$/.test(port) ? 'must not have a port' : `invalid value: ${host}`;
  const segments = name.replace(/\.$/, '').split('.');
  const isName = /^[\w.-]+$/.test(name) && segments.every((part) => part !== '' && !part.endsWith('-'));
  return isName ? null : `invalid value: ${host}`;
}
