import { compareText, isTable } from './json';

const KEYWORDS = new Set(
  (
    'and break do else elseif end false for function goto if in local nil not or repeat return then true ' +
    'until while'
  ).split(' '),
);

/**
 * A value as Penlight's `pretty.write` prints it: Kong's messages quote tables in this form. `compact` is the
 * one-line form (`{id="…"}`), the other one indents by two spaces.
 */
export function pretty(value: unknown, compact: boolean, depth = 0): string {
  if (typeof value === 'string') return quote(value);
  if (!isTable(value)) return value === null || value === undefined ? 'null' : JSON.stringify(value);
  const indent = compact ? '' : '  '.repeat(depth + 1);
  const items: string[] = [];
  if (Array.isArray(value)) {
    let dense = true;
    for (const [index, item] of value.entries() as IterableIterator<[number, unknown]>) {
      // A hole ends the sequence part; what follows carries its (one-based) index.
      if (item === null || item === undefined) dense = false;
      else items.push(`${indent}${dense ? '' : `[${index + 1}]=`}${pretty(item, compact, depth + 1)}`);
    }
  } else {
    for (const key of Object.keys(value).sort(compareText)) {
      const name = /^[A-Za-z_]\w*$/.test(key) && !KEYWORDS.has(key) ? key : `[${quote(key)}]`;
      items.push(`${indent}${name}${compact ? '=' : ' = '}${pretty(value[key], compact, depth + 1)}`);
    }
  }
  if (compact || items.length === 0) return `{${items.join(',')}}`;
  return `{\n${items.join(',\n')}\n${'  '.repeat(depth)}}`;
}

function quote(text: string): string {
  if (text.includes('\n')) return `[[${text.startsWith('\n') ? '\n' : ''}${text}]]`;
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

const CLASSES: Record<string, string> = {
  a: 'A-Za-z',
  c: '\\x00-\\x1f\\x7f',
  d: '0-9',
  l: 'a-z',
  p: '!-\\/:-@\\[-`{-~',
  s: '\\s',
  u: 'A-Z',
  w: 'A-Za-z0-9',
  x: 'A-Fa-f0-9',
};

/** A Lua pattern, as schemas use in `match`, as a regular expression. Without %b, %f and back references. */
export function luaPattern(pattern: string): RegExp {
  let source = '';
  let inSet = false;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === '%') {
      const next = pattern.charAt(++at);
      const members = CLASSES[next.toLowerCase()];
      if (members === undefined) source += `\\${next}`;
      else if (inSet) source += members;
      else source += next === next.toLowerCase() ? `[${members}]` : `[^${members}]`;
    } else if (inSet) {
      if (char === ']') inSet = false;
      source += char === '[' || char === '\\' ? `\\${char}` : char;
    } else if (char === '[') {
      inSet = true;
      source += char;
    } else if (char === '-') source += '*?';
    else if (char === '^' && at > 0) source += '\\^';
    else if (char === '$' && at < pattern.length - 1) source += '\\$';
    else source += '\\{}|'.includes(char) ? `\\${char}` : char;
  }
  return new RegExp(source);
}
