import type { Config } from './config';
import { readKongValues, tlsListeners, type TlsListener } from '../gateway';
import type { Verifier } from '../model';
import { HandshakeVerifier, type TlsSettings } from '../verify';
import type { Connection } from './connection';

/** The TLS listeners of this Kong, or those that are configured: a control plane has none itself. */
export function listenersOf({ verify: { listeners } }: Config, kong: Connection): readonly TlsListener[] {
  return listeners.length === 0
    ? kong.listeners
    : tlsListeners(listeners.map((listener) => `${listener} ssl`).join(','));
}

export function verifierOf(config: Config, kong: Connection): Verifier {
  return new HandshakeVerifier({
    listeners: () => listenersOf(config, kong),
    timeoutMs: config.verify.timeout * 1000,
    workers: () => kong.workers,
  });
}

/** For so long what Kong's configuration said is not read again: a batch may have thousands of changes. */
const READ_MS = 5_000;

/** Reads what Kong's own configuration says of its listeners; of several places where a setting stands the nearest. */
export function tlsSettingsOf({ files }: Connection): () => TlsSettings {
  let known: TlsSettings = { protocols: undefined, ciphers: undefined };
  let readAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (files === null || performance.now() - readAt < READ_MS) return known;
    readAt = performance.now();
    try {
      const values = readKongValues(files.prefix, (name) =>
        /^(nginx_(proxy|http)_)?ssl_(protocols|ciphers)$/.test(name),
      );
      const find = (name: string) =>
        [`nginx_proxy_${name}`, `nginx_http_${name}`, name].map((one) => values.get(one)).find(Boolean);
      known = { protocols: find('ssl_protocols'), ciphers: find('ssl_ciphers') };
    } catch {
      known = { protocols: undefined, ciphers: undefined };
    }
    return known;
  };
}
