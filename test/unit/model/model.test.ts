import { describe, expect, it } from 'vitest';
import { changeId, deterministicId, isRefusal, REASONS, refusal } from '../../../src/model';
import { bundle, stored } from '../../support/plans';
import { Slices } from '../../../src/common/slices';

describe('the id of a certificate that is created', () => {
  it('never changes: it is what a restart finds its certificates by', () => {
    expect(deterministicId('certificate', 'directory:/etc/kong/certs#www.crt')).toMatchInlineSnapshot(
      `"0ca62b4f-1961-5d7f-9171-a32c3bdf8f68"`,
    );
    expect(deterministicId('sni', 'www.example.test')).toMatchInlineSnapshot(
      `"1175c314-909a-5ae0-b5d4-a27d2a121a30"`,
    );
  });

  it('is a UUID of version 5', () => {
    for (const name of ['', 'a', 'ü', 'x'.repeat(1000)]) {
      expect(deterministicId('sni', name)).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
    }
  });

  it('is another one for another name and for an SNI of the same name', () => {
    const ids = [
      deterministicId('certificate', 'a'),
      deterministicId('certificate', 'b'),
      deterministicId('sni', 'a'),
    ];
    expect(new Set(ids).size).toBe(3);
  });
});

describe('a refusal', () => {
  it('is told apart from a bundle', () => {
    expect(isRefusal(refusal('expired', 'it expired'))).toBe(true);
    expect(isRefusal(bundle('www'))).toBe(false);
    expect(isRefusal({ message: 'an error' })).toBe(false);
  });

  it('has a reason from a closed list, in words that are labels of metrics, each with a sentence', () => {
    for (const [reason, sentence] of Object.entries(REASONS)) {
      expect(reason).toMatch(/^[a-z_]+$/);
      expect(sentence.length).toBeGreaterThan(10);
    }
  });
});

it('a change names the certificate that it is about', () => {
  const snis = ['www.test'];
  expect(changeId({ kind: 'create', bundle: bundle('www'), id: 'new', snis })).toBe('new');
  const certificate = stored('K');
  expect(
    changeId({
      kind: 'update',
      bundle: bundle('www'),
      certificate,
      half: 'main',
      isOfController: false,
      addSnis: [],
    }),
  ).toBe('K');
});

it('a long loop leaves the event loop free now and then', async () => {
  const slices = new Slices();
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 1);
  for (let pauses = 0; pauses < 5;) {
    if (!slices.due) continue;
    await slices.pause();
    pauses += 1;
  }
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
});
