import { expect, it } from 'vitest';
import { completeConfig } from '../../../src/app/config';
import type { Connection } from '../../../src/app/connection';
import { listenersOf } from '../../../src/app/listeners';

const http = { host: '127.0.0.1', port: 8443, proxyProtocol: false };
const stream = { ...http, port: 9443, isStream: true } as const;
const kong = { listeners: [http, stream] } as unknown as Connection;

it('listeners of the stream proxy are not asked: it closes a handshake for whose name it has no route', () => {
  expect(listenersOf(completeConfig({}), kong)).toEqual([http]);
});

it('listeners that are named are asked, whatever they are', () => {
  const config = completeConfig({ verify: { listeners: ['127.0.0.1:9443'] } });
  expect(listenersOf(config, kong).map(({ port }) => port)).toEqual([9443]);
});
