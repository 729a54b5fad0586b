import { X509Certificate } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { readConfiguredFile } from '../../common/configured-file';
import { itemsOf, readKongValues } from './kong-env';

const NAMES = new Set(['admin_ssl_cert', 'admin_ssl_cert_key', 'nginx_admin_ssl_verify_client']);
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/**
 * A client certificate for a Kong whose Admin API requires one: Kong's own for that listener, if it is valid for
 * clients.
 * @returns null where none is required, or Kong's own is unsuitable
 */
export function clientCertificateOfKong(prefix: string): { certFile: string; keyFile: string } | null {
  try {
    const values = readKongValues(prefix, (name) => NAMES.has(name));
    if (values.get('nginx_admin_ssl_verify_client') !== 'on') return null;
    const [certs, keys] = ['admin_ssl_cert', 'admin_ssl_cert_key'].map((name) => itemsOf(values.get(name)));
    for (const [index, certFile] of (certs ?? []).entries()) {
      const keyFile = keys?.[index] ?? '';
      if (certFile.startsWith('/') && keyFile.startsWith('/') && isForClients(certFile, keyFile))
        return { certFile, keyFile };
    }
  } catch {
    // Kong's prefix cannot be read.
  }
  return null;
}

function isForClients(certFile: string, keyFile: string): boolean {
  try {
    accessSync(keyFile, constants.R_OK);
    // Node's name for the extended key usage; without one every use is allowed.
    const { keyUsage } = new X509Certificate(readConfiguredFile(certFile));
    return (keyUsage as string[] | undefined)?.includes(CLIENT_AUTH) ?? true;
  } catch {
    return false;
  }
}
