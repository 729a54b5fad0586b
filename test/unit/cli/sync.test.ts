import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sync } from '../../../src/cli/sync';
import { testFolder } from '../../support/folders';

describe('a configuration file for sync', () => {
  it.for([
    ['that is not YAML', 'admin:\n  token: open-sesame\n  url: [\n'],
    ['with a field that is not known', 'admin:\n  token: open-sesame\n  tokn: x\n'],
    ['with a value that is wrong', 'admin:\n  token: open-sesame\ninterval: 0\n'],
  ] as const)('%s is refused with its name, and shows no token', async ([, text]) => {
    const folder = testFolder();
    const config = join(folder, 'reloader.yml');
    writeFileSync(config, text);
    const refused = (await sync({ config, prefix: folder }).catch((error: unknown) => error)) as Error;
    expect(refused.message).toContain(config);
    expect(refused.message).not.toContain('open-sesame');
  });
});
