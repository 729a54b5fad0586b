import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultTable } from '../fault';
import type { World } from '../world';

/** Root may read everything, unless it gives that up. */
const withoutOverride = () =>
  process.getuid?.() === 0 ? 'setpriv --bounding-set=-dac_override,-dac_read_search' : '';

const refused = (world: World, name: string, ...reasons: string[]) =>
  world.saysOf(name, `is refused as ${reasons.join(' or ')}`, ({ refusal }) =>
    reasons.includes(refusal?.reason ?? ''),
  );

/** Folders and files in which renewed certificates appear. */
export const FILE_FAULTS: FaultTable = {
  'key-first': {
    sentence: 'A key is renewed seconds before its certificate.',
    run: async (world) => {
      const [name = ''] = world.names;
      const pair = world.supply.issue(name);
      world.supply.put(name, 'key', pair.key);
      await refused(world, name, 'key_mismatch');
      world.supply.put(name, 'crt', pair.chain);
    },
  },
  'certificate-first': {
    sentence: 'A certificate is renewed seconds before its key.',
    run: async (world) => {
      const [name = ''] = world.names;
      const pair = world.supply.issue(name);
      world.supply.put(name, 'crt', pair.chain);
      await refused(world, name, 'key_mismatch');
      world.supply.put(name, 'key', pair.key);
    },
  },
  truncated: {
    sentence: 'Certificates are cut off in the middle, and completed later.',
    run: async (world) => {
      const pairs = world.names.map((name) => ({ name, ...world.supply.issue(name) }));
      for (const { name, chain, key } of pairs) {
        writeFileSync(world.supply.path(name, 'key'), key);
        writeFileSync(world.supply.path(name, 'crt'), chain.slice(0, chain.length >> 2));
      }
      for (const { name } of pairs)
        await refused(world, name, 'incomplete', 'missing_certificate', 'unreadable');
      for (const { name, chain } of pairs) writeFileSync(world.supply.path(name, 'crt'), chain);
    },
  },
  emptied: {
    sentence: 'The disk is full when certificates are renewed: empty files are left, and completed later.',
    run: async (world) => {
      const pairs = world.names.map((name) => ({ name, ...world.supply.issue(name) }));
      for (const { name } of pairs)
        for (const file of ['crt', 'key'] as const) writeFileSync(world.supply.path(name, file), '');
      for (const { name } of pairs)
        await world.saysOf(name, 'has no source', ({ state }) => state !== 'in_sync');
      for (const { name, chain, key } of pairs) {
        world.supply.put(name, 'key', key);
        world.supply.put(name, 'crt', chain);
      }
    },
  },
  'files-gone': {
    sentence: 'All files are deleted, and come back renewed, one after the other.',
    run: async (world) => {
      for (const name of world.names)
        for (const file of ['crt', 'key'] as const) rmSync(world.supply.path(name, file));
      for (const name of world.names)
        await world.saysOf(name, 'has no source', ({ state }) => state === 'no_source');
      for (const name of world.names) {
        world.supply.renew([name]);
        await sleep(200);
      }
    },
  },
  'older-files': {
    sentence: 'A backup puts older files back; the newer certificate stays until it is renewed.',
    run: async (world) => {
      const [name = ''] = world.names;
      const notBefore = new Date(Date.now() - 20 * 86_400_000);
      const older = world.supply.issue(name, undefined, { notBefore });
      world.supply.renew([name]);
      await world.served([name]);
      world.supply.put(name, 'key', older.key);
      world.supply.put(name, 'crt', older.chain);
      await world.saysOf(name, 'is not in step', ({ state }) => state !== 'in_sync');
      world.supply.renew([name]);
    },
  },
  'folder-gone': {
    sentence: 'The folder is deleted, made again and filled with renewed pairs.',
    run: async (world) => {
      rmSync(world.supply.folder, { recursive: true });
      await world.says('the folder or its certificates are missing', ({ reloaders }) =>
        reloaders.some(
          ({ sources, certificates }) =>
            sources.some(({ up }) => !up) || certificates.every(({ state }) => state === 'no_source'),
        ),
      );
      mkdirSync(world.supply.folder);
      world.supply.renew();
    },
  },
  'data-swap': {
    sentence: 'A volume of Kubernetes swaps its `..data` link ten times.',
    run: async (world) => {
      const [name = ''] = world.names;
      const volume = join(world.supply.folder, 'volume');
      for (const file of ['crt', 'key'] as const) rmSync(world.supply.path(name, file));
      mkdirSync(volume);
      for (let version = 1; version <= 10; version++) {
        const { chain, key } = world.supply.issue(name);
        mkdirSync(join(volume, `..${version}`));
        writeFileSync(join(volume, `..${version}`, 'tls.crt'), chain);
        writeFileSync(join(volume, `..${version}`, 'tls.key'), key);
        symlinkSync(`..${version}`, join(volume, '..data_tmp'));
        renameSync(join(volume, '..data_tmp'), join(volume, '..data'));
        if (version === 1) {
          symlinkSync('..data/tls.crt', join(volume, 'tls.crt'));
          symlinkSync('..data/tls.key', join(volume, 'tls.key'));
        } else rmSync(join(volume, `..${version - 1}`), { recursive: true });
        if (version % 2 === 0) await world.served([name]);
      }
      await world.served([name]);
      rmSync(volume, { recursive: true });
      world.supply.renew([name]);
    },
  },
  unreadable: {
    sentence: 'A key cannot be opened: it is a link to itself.',
    run: async (world) => {
      const [name = '', ...others] = world.names;
      const { chain, key } = world.supply.issue(name);
      rmSync(world.supply.path(name, 'key'));
      symlinkSync(`${name}.key`, world.supply.path(name, 'key'));
      world.supply.put(name, 'crt', chain);
      world.supply.renew(others);
      await world.served(others);
      await world.saysOf(
        name,
        'cannot be read',
        ({ state, refusal }) => state !== 'in_sync' || refusal !== null,
      );
      world.supply.put(name, 'key', key);
    },
  },
  permissions: {
    sentence: 'A key, then the whole folder may not be read for a while.',
    launcher: withoutOverride,
    run: async (world) => {
      const [name = '', ...others] = world.names;
      const { chain, key } = world.supply.issue(name);
      world.supply.put(name, 'key', key);
      chmodSync(world.supply.path(name, 'key'), 0);
      world.supply.put(name, 'crt', chain);
      world.supply.renew(others);
      await world.served(others);
      await refused(world, name, 'unreadable');
      chmodSync(world.supply.path(name, 'key'), 0o600);
      await world.served([name]);
      chmodSync(world.supply.folder, 0);
      await world.says('the folder cannot be read', ({ reloaders }) =>
        reloaders.some(({ sources }) => sources.some(({ up }) => !up)),
      );
      chmodSync(world.supply.folder, 0o700);
      world.supply.renew();
    },
  },
  pipe: {
    sentence: 'A named pipe stands where a key should, and never says anything.',
    run: async (world) => {
      const [name = '', ...others] = world.names;
      const { chain, key } = world.supply.issue(name);
      rmSync(world.supply.path(name, 'key'));
      execFileSync('mkfifo', [world.supply.path(name, 'key')]);
      world.supply.put(name, 'crt', chain);
      world.supply.renew(others);
      await world.served(others);
      world.supply.put(name, 'key', key);
    },
  },
  'renewed-all-the-time': {
    sentence: 'One certificate is renewed every 100 ms.',
    run: async (world) => {
      for (let renewal = 0; renewal < 30; renewal++) {
        world.supply.renew([world.names[0] ?? '']);
        await sleep(100);
      }
    },
  },
  'same-again': {
    sentence:
      'Files are written again and again with the content that they have; nothing is written to Kong.',
    run: async (world) => {
      const pairs = world.supply.renew();
      await world.served();
      await world.inStep();
      const { writes } = world.admin;
      for (let round = 0; round < 20; round++) {
        for (const [at, { chain, key }] of pairs.entries()) {
          world.supply.put(world.names[at] ?? '', 'key', key);
          world.supply.put(world.names[at] ?? '', 'crt', chain);
        }
        await sleep(100);
      }
      await world.inStep();
      world.expects(
        `no writes for unchanged files, not ${world.admin.writes - writes}`,
        world.admin.writes === writes,
      );
    },
  },
  'torn-writes': {
    sentence: 'Both files of a pair are written in place, in pieces and in any order.',
    run: async (world) => {
      const [name = ''] = world.names;
      for (let renewal = 0; renewal < 40; renewal++) {
        const { chain, key } = world.supply.issue(name);
        const parts = [
          { path: world.supply.path(name, 'crt'), text: chain },
          { path: world.supply.path(name, 'key'), text: key },
        ];
        for (const { path, text } of renewal % 2 === 0 ? parts : parts.reverse()) {
          writeFileSync(path, text.slice(0, (text.length * (renewal % 7)) / 7));
          await sleep(10 + (renewal % 3) * 10);
          writeFileSync(path, text);
          await sleep(10);
        }
      }
    },
  },
  'expired-renewal': {
    sentence: 'The renewal that a source brings has expired already.',
    run: async (world) => {
      const [name = ''] = world.names;
      const expired = world.supply.issue(name, 'expired', { notAfter: new Date(Date.now() - 60_000) });
      world.supply.put(name, 'key', expired.key);
      world.supply.put(name, 'crt', expired.chain);
      await refused(world, name, 'expired');
      world.supply.renew([name]);
    },
  },
  'other-names': {
    sentence: 'The renewal that a source brings is for another name.',
    run: async (world) => {
      const [name = ''] = world.names;
      const wrong = world.supply.issue(name, 'broken', { names: ['another.test'] });
      world.supply.put(name, 'key', wrong.key);
      world.supply.put(name, 'crt', wrong.chain);
      await world.saysOf(name, 'is not in step', ({ state }) => state !== 'in_sync');
      world.supply.renew([name]);
    },
  },
  'weak-renewal': {
    sentence: 'The renewal that a source brings has a key of 1,024 bits.',
    run: async (world) => {
      const [name = ''] = world.names;
      const weak = world.supply.issue(name, 'broken', { key: 'rsa-1024' });
      world.supply.put(name, 'key', weak.key);
      world.supply.put(name, 'crt', weak.chain);
      await refused(world, name, 'weak_key');
      world.supply.renew([name]);
    },
  },
  renamed: {
    sentence: 'Files get other names, and are renewed under them.',
    run: async (world) => {
      const [name = ''] = world.names;
      for (const file of ['crt', 'key'] as const)
        renameSync(world.supply.path(name, file), join(world.supply.folder, `moved.${file}`));
      const pair = world.supply.issue(name);
      writeFileSync(join(world.supply.folder, 'moved.key'), pair.key);
      writeFileSync(join(world.supply.folder, 'moved.crt'), pair.chain);
      await world.served([name]);
      for (const file of ['crt', 'key'] as const) rmSync(join(world.supply.folder, `moved.${file}`));
      world.supply.renew([name]);
    },
  },
  'all-at-once': {
    sentence: 'Five hundred certificates are renewed at once, twice.',
    count: 500,
    run: async (world) => {
      world.supply.renew();
      await sleep(150);
      world.supply.renew();
      await Promise.resolve();
    },
  },
};
