import { describe, expect, it, test } from 'vitest';
import { duration, painter, withColours } from '../../../src/cli/output';
import { table } from '../../../src/cli/table';

const COLUMNS = [{ title: 'STATE' }, { title: 'NAMES', flexible: true }, { title: 'DETAIL', flexible: true }];
const ROWS = [
  [
    'refused',
    'www.example.test, api.example.test',
    '/etc/letsencrypt/live/www.example.test/fullchain.pem is no good',
  ],
  ['in sync', 'a.example.test', ''],
];
const plain = painter(false);

describe('a table', () => {
  it('has columns without lines and without trailing spaces', () => {
    const rows = [
      ['a', 'b', 'c'],
      ['longer', 'bb', ''],
    ];
    expect(table(COLUMNS, rows, { paint: plain, width: Infinity }).split('\n')).toEqual([
      'STATE   NAMES  DETAIL',
      'a       b      c',
      'longer  bb',
    ]);
  });

  it('stands in its columns with a single row, too', () => {
    const row = [
      'pending',
      'www.example.test',
      '/etc/letsencrypt/live/www.example.test/fullchain.pem has it',
    ];
    const [head = '', line = ''] = table(COLUMNS, [row], { paint: plain, width: 120 }).split('\n');
    expect(head.indexOf('DETAIL')).toBe(line.indexOf('/etc'));
  });

  test.for([60, 80, 100])('fits into %i columns and loses nothing', (width) => {
    const text = table(COLUMNS, ROWS, { paint: plain, width });
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
    const squeezed = text.replaceAll(/\s/g, '');
    expect(squeezed).toContain('api.example.test');
    expect(text).toContain('refused');
  });

  it('has no limit on its width in a pipe', () => {
    expect(table(COLUMNS, ROWS, { paint: plain, width: Infinity }).split('\n')).toHaveLength(3);
  });

  it('puts its last column below where there is no room beside the others', () => {
    const columns = [{ title: 'STATE' }, { title: 'NAMES' }, { title: 'DETAIL', below: true }];
    const text = table(columns, [['ok', 'www.example.test', 'a long sentence about it']], {
      paint: plain,
      width: 30,
    });
    expect(text.split('\n')).toEqual([
      'STATE  NAMES',
      'ok     www.example.test',
      '       a long sentence about',
      '       it',
    ]);
  });

  it('does not break a sentence into letters where there is hardly any room', () => {
    const columns = [{ title: 'STATE' }, { title: 'NAMES' }, { title: 'DETAIL', below: true }];
    const text = table(columns, [['ok', 'www.example.test', 'a long sentence about it']], {
      paint: plain,
      width: 3,
    });
    expect(text).toContain('\n       a long\n       sentence about\n       it');
  });

  it('has the same columns with colours', () => {
    const paint = painter(true);
    const painted = table(
      COLUMNS,
      ROWS.map(([state = '', ...rest]) => [paint('red', state), ...rest]),
      {
        paint,
        width: 60,
      },
    );
    // eslint-disable-next-line no-control-regex
    expect(withColours(painted).replace(/\x1b\[[0-9;]*m/g, '')).toBe(
      table(COLUMNS, ROWS, { paint: plain, width: 60 }),
    );
  });
});

test.for([
  [0, '0 ms'],
  [999, '999 ms'],
  [3_420, '3.4 s'],
  [119_000, '119.0 s'],
  [300_000, '5 min'],
  [7_140_000, '119 min'],
  [86_400_000, '24 h'],
] as const)('%i ms are %s', ([ms, text]) => {
  expect(duration(ms)).toBe(text);
});

describe('one long name', () => {
  const long = `${'x'.repeat(60)}.example.test`;
  const rows = [
    ...Array.from({ length: 10 }, (_, index) => ['in sync', `host${index}.example.test`, 'fine']),
    ['refused', long, 'bad'],
  ];

  it('makes no other row longer', () => {
    const lines = table(COLUMNS, rows, { paint: plain, width: Infinity }).split('\n');
    expect(new Set(lines.slice(1, 11).map((line) => line.length))).toEqual(new Set([9 + 18 + 2 + 4]));
    expect(lines.at(-1)).toBe(`refused  ${long}  bad`);
  });

  it('takes lines of its own where the terminal is narrow, and is not lost', () => {
    const text = table(COLUMNS, rows, { paint: plain, width: 50 });
    expect(text.replaceAll(/\s|bad/g, '')).toContain(long);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(50);
  });
});

it('columns go below one after the other as the terminal gets narrower', () => {
  const columns = [
    { title: 'STATE' },
    { title: 'NAMES', flexible: true },
    { title: 'FROM', flexible: true, below: true },
    { title: 'DETAIL', flexible: true, below: true },
  ];
  const rows = [['refused', 'www.example.test', '/certs/www.crt', 'the key is of another']];
  const at = (width: number) => table(columns, rows, { paint: plain, width }).split('\n');
  expect(at(80)).toHaveLength(2);
  expect(at(50)).toEqual([
    'STATE    NAMES             FROM',
    'refused  www.example.test  /certs/www.crt',
    '         the key is of another',
  ]);
  expect(at(30)).toEqual([
    'STATE    NAMES',
    'refused  www.example.test',
    '         /certs/www.crt',
    '         the key is of another',
  ]);
});
