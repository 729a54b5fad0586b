import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { flatStamps, isRacy, isStampAt, latestOf, sameStamp, stampOf } from '../../../src/common/stamp';
import { testFolder } from '../../support/folders';

const stamp = { mtimeMs: 1000, ctimeMs: 1000, size: 10, ino: 1 };

describe('the stamp of a file', () => {
  test.for([
    ['its time', { mtimeMs: 1001 }],
    ['the time of its entry (a copy that keeps times)', { ctimeMs: 1001 }],
    ['its size', { size: 11 }],
    ['the file behind the name', { ino: 2 }],
  ] as const)('differs where %s does', ([, change]) => {
    expect(sameStamp(stamp, { ...stamp })).toBe(true);
    expect(sameStamp(stamp, { ...stamp, ...change })).toBe(false);
    const kept = flatStamps([null, stamp, { ...stamp, ino: 3 }]);
    expect(isStampAt(kept, 1, { ...stamp })).toBe(true);
    expect(isStampAt(kept, 1, { ...stamp, ...change })).toBe(false);
    expect(isStampAt(kept, 2, { ...stamp, ino: 3, ...change })).toBe(false);
  });

  it('differs where the file came or went', () => {
    expect(sameStamp(null, stamp)).toBe(false);
    expect(sameStamp(stamp, null)).toBe(false);
    expect(sameStamp(null, null)).toBe(true);
    const kept = flatStamps([null, stamp]);
    expect([isStampAt(kept, 0, stamp), isStampAt(kept, 1, null)]).toEqual([false, false]);
    expect([isStampAt(kept, 0, null), isStampAt(kept, 1, stamp)]).toEqual([true, true]);
  });

  it('that is the latest of several has their latest time, whether of the content or of the entry', () => {
    expect(latestOf(flatStamps([stamp, { ...stamp, mtimeMs: 1002 }, null]))).toBe(1002);
    expect(latestOf(flatStamps([{ ...stamp, ctimeMs: 1003 }, stamp]))).toBe(1003);
    expect(latestOf(flatStamps([null]))).toBe(0);
  });

  test.for([
    [1000, true],
    [1019, true],
    [981, true],
    [1020, false],
    [980, false],
    [60_000, false],
  ] as const)('from time 1000 is not relied on by a reader at %i: %s', ([readAt, racy]) => {
    expect(isRacy(stamp, readAt)).toBe(racy);
    expect(isRacy({ ...stamp, mtimeMs: 5 }, readAt)).toBe(racy);
    expect(isRacy(null, readAt)).toBe(false);
  });

  it('is null for a missing path, and knows folders, too', () => {
    const folder = testFolder();
    expect(stampOf(join(folder, 'missing'))).toBeNull();
    mkdirSync(join(folder, 'sub'));
    expect(stampOf(join(folder, 'sub'))).not.toBeNull();
  });

  it('is null below something that is not a folder', () => {
    const file = join(testFolder(), 'file');
    writeFileSync(file, '');
    expect(stampOf(join(file, 'below'))).toBeNull();
  });

  it('has the time to the millisecond at least', () => {
    const file = join(testFolder(), 'file');
    writeFileSync(file, 'x');
    utimesSync(file, 1.5, 1.25);
    expect(stampOf(file)).toMatchObject({ mtimeMs: 1250, size: 1 });
  });
});
