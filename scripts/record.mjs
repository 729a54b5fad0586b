// Records one exchange with a real Kong's Admin API for the contract tests:
//   node scripts/record.mjs NAME METHOD PATH [BODY.json|BODY.yml] [--admin http://127.0.0.1:8001] [--mode dbless|pg]
// Use throw-away keys: the answer is kept as it is, with the private keys that Kong shows.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: {
    admin: { type: 'string', default: 'http://127.0.0.1:8001' },
    mode: { type: 'string', default: 'dbless' },
  },
  allowPositionals: true,
});
const [name, method, path, file] = positionals;
if (path === undefined) {
  console.error('usage: node scripts/record.mjs NAME METHOD PATH [BODY] [--admin URL] [--mode dbless|pg]');
  process.exit(2);
}

const text = file === undefined ? undefined : readFileSync(file, 'utf8');
const isJson = file?.endsWith('.json') === true;
const headers = text === undefined || isJson ? {} : { 'content-type': 'text/yaml' };
const response = await fetch(values.admin + path, {
  method,
  body: text,
  headers: isJson ? { 'content-type': 'application/json' } : headers,
});
const answer = await response.text();
const parsed = response.headers.get('content-type')?.includes('json') === true ? JSON.parse(answer) : answer;
const recording = {
  name,
  mode: values.mode,
  request: {
    method,
    path,
    headers,
    ...(text === undefined ? {} : { body: isJson ? JSON.parse(text) : text }),
  },
  response: {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: answer === '' ? null : parsed,
  },
};
const target = `test/contract/recordings/${name}.json`;
writeFileSync(target, `${JSON.stringify(recording, null, 1)}\n`);
console.log(`${method} ${path} → ${response.status}: ${target}`);
