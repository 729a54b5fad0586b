import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

const MAGIC = 0xbeefc0de;
/** Offsets in a page of LMDB: its meta page begins behind the header of the page (mdb.c, MDB_meta, 64 bit). */
const AT = { magic: 16, pageSize: 40, transaction: 144 };
const PAGE_SIZES = [4096, 16_384, 65_536];

/**
 * How often Kong's configuration was committed without a database: the number of the last transaction in its store,
 * one for each `POST /config`. It reveals that another writer posted in between, not what.
 * @param path `lmdb_environment_path`, below the prefix
 * @returns null where it cannot be read or has another layout
 */
export function commitsOf(prefix: string, path = 'dbless.lmdb'): number | null {
  const folder = isAbsolute(path) ? path : join(prefix, path);
  let file: number | null = null;
  try {
    // Non-blocking: the path may lead to a pipe that nobody writes to.
    file = openSync(join(folder, 'data.mdb'), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    if (!fstatSync(file).isFile()) return null;
    const first = pageAt(file, 0);
    const size = first.readUInt32LE(AT.pageSize);
    if (!PAGE_SIZES.includes(size)) return null;
    const pages = [first, pageAt(file, size)];
    if (pages.some((page) => page.readUInt32LE(AT.magic) !== MAGIC)) return null;
    return Math.max(...pages.map((page) => Number(page.readBigUInt64LE(AT.transaction))));
  } catch {
    return null;
  } finally {
    if (file !== null) closeSync(file);
  }
}

function pageAt(file: number, position: number): Buffer {
  const page = Buffer.alloc(AT.transaction + 8);
  if (readSync(file, page, 0, page.length, position) < page.length) throw new RangeError('a short file');
  return page;
}
