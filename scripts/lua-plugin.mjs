// Writes the plugin in Lua, from what the bundled file says of itself: a schema and a handler without any phase, for a Kong
// that has to know the plugin's entry and cannot start a plugin server.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HEAD = '-- Made by scripts/build.mjs from the list of fields in src/app/config.ts.\n';

/** @param program the bundled file; @param folder gets `kong/plugins/NAME/` */
export function writeLuaPlugin(program, folder) {
  const [plugin] = JSON.parse(execFileSync(process.execPath, [program, '-dump'], { encoding: 'utf8' }));
  const { Name: name, Version: version, Priority: priority, Schema: schema } = plugin;
  const path = join(folder, 'kong', 'plugins', name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'schema.lua'), `${HEAD}return ${lua(schema)}\n`);
  const handler = { VERSION: version, PRIORITY: priority };
  writeFileSync(
    join(path, 'handler.lua'),
    `${HEAD}-- It has no phase: Kong never calls it.\nreturn ${lua(handler)}\n`,
  );
}

/** A value of JSON as Lua writes it. */
export function lua(value, indent = '') {
  if (value === null) return 'nil';
  if (typeof value === 'string') return `"${value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;
  if (typeof value !== 'object') return String(value);
  const inner = `${indent}  `;
  const items = Array.isArray(value)
    ? value.map((item) => lua(item, inner))
    : Object.entries(value).map(([name, item]) => `[${lua(name)}] = ${lua(item, inner)}`);
  return items.length === 0 ? '{}' : `{\n${items.map((item) => `${inner}${item},\n`).join('')}${indent}}`;
}
