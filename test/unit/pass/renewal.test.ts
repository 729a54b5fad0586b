import { describe, expect, it } from 'vitest';
import { OUR_TAG } from '../../../src/gateway';
import { deterministicId } from '../../../src/model';
import { issue } from '../../support/bundles';
import { eventsOf, passing } from '../../support/stages';

const touched = new Set(['/certs']);
const aged = (days: number, names: string[]) =>
  issue({ names, notBefore: new Date(Date.now() - days * 86_400_000) });

describe('a renewal that a watch reports', () => {
  it('is written at once, before anything else there is to do', async () => {
    const { runner, source, gateway } = passing();
    gateway.put('K', aged(30, ['www.example.test']));
    source.put('www', aged(20, ['www.example.test']));
    await runner.pass('start');
    gateway.put('L', aged(30, ['api.example.test']), { snis: ['api.example.test'] });
    await runner.pass('poll');
    source.put('api', aged(5, ['api.example.test']));
    source.put('www', aged(5, ['www.example.test']));
    expect(eventsOf(await runner.pass('watch', touched)).sort()).toEqual([
      'api: swapped (served)',
      'www: swapped (served)',
    ]);
    expect(eventsOf(await runner.pass('poll'))).toEqual([]);
  });

  it('leaves an SNI of its names to the certificate that has it', async () => {
    const { runner, source, gateway } = passing({ create: true });
    const names = ['a.test', 'b.test'];
    const id = deterministicId('certificate', 'memory#www');
    gateway.put(id, aged(30, names), { snis: ['a.test'], tags: [OUR_TAG] });
    gateway.put('Z', aged(1, ['b.test']), { snis: ['b.test'] });
    source.put('www', aged(20, names));
    await runner.pass('start');
    const renewed = aged(5, names);
    source.put('www', renewed);
    await runner.pass('watch', touched);
    expect(gateway.entities.get(id)).toMatchObject({ cert: renewed.chain, snis: ['a.test'] });
  });
});

it('a Secret that was made anew with the same content is known by its new UID', async () => {
  const { runner, source, gateway } = passing();
  const { chain, key } = aged(5, ['www.example.test']);
  const secret = (uid: string) => ({ cert: chain, key, secret: { uid, namespace: 'web', name: 'www' } });
  gateway.put('uid-2', aged(30, ['www.example.test']));
  source.put('www', secret('uid-1'));
  await runner.pass('start');
  source.put('www', secret('uid-2'));
  await runner.pass('poll');
  expect(runner.live().bundle('memory#www')?.secret?.uid).toBe('uid-2');
});
