import { expect, it } from 'vitest';
import { ReloadStep, type DefaultCertificate } from '../../../src/default-certificate';

it('an obstacle is logged once, also where a file is half written in between, and so is its end', () => {
  const file = { location: '/ssl/default.crt' };
  const status = { state: 'in_sync', detail: '', files: [file], reloaded_at: null };
  const certificate = { status } as unknown as DefaultCertificate;
  const step = new ReloadStep({ byDefault: certificate, node: null }, () => null);
  const lines: string[] = [];
  const after = (state: string, detail: string) => {
    Object.assign(status, { state, detail });
    step.log((level, message) => lines.push(`${level}: ${message}`));
    return lines.splice(0);
  };
  const pending = 'clients without SNI get the former certificate';
  expect(after('in_sync', '')).toEqual([]);
  expect(after('reload_pending', pending)).toEqual(['warn: default certificate not up to date']);
  expect(after('refused', '')).toEqual([]);
  expect(after('reload_pending', pending)).toEqual([]);
  expect(after('refused', 'its key does not belong to it')).toHaveLength(1);
  expect(after('refused', '')).toEqual([]);
  expect(after('in_sync', '')).toEqual(['info: clients without SNI get the certificate of the files']);
  expect(after('in_sync', '')).toEqual([]);
});
