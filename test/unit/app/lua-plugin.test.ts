import { expect, it } from 'vitest';
import { FIELDS } from '../../../src/app/config';

it.for([
  ['a text with what Lua escapes', 'a "b" \\d\n', String.raw`"a \"b\" \\d\n"`],
  ['a number', 300, '300'],
  ['a boolean', false, 'false'],
  ['nothing', null, 'nil'],
  ['an empty list', [], '{}'],
  ['a list', ['a'], '{\n  "a",\n}'],
  ['a record whose name is no word of Lua', { 'a-b': 1 }, '{\n  ["a-b"] = 1,\n}'],
] as const)('%s becomes Lua', async ([, value, text]) => {
  const { lua } = await import('../../../scripts/lua-plugin.mjs');
  expect(lua(value)).toBe(text);
});

it('Lua as it is written is a table with every field', async () => {
  const { lua } = await import('../../../scripts/lua-plugin.mjs');
  const text = lua({ fields: FIELDS });
  for (const field of FIELDS.flatMap((named) => Object.keys(named)))
    expect(text).toContain(`["${field}"] = {`);
});
