import type { SourceConfig } from '../config';
import type { KubernetesClient } from '../kubernetes';
import type { Source } from '../model';
import { FixedPassword, PasswordFile, UnlockedSource, type Passwords } from '../sources';
import { SecretPasswords } from '../sources/kubernetes';

/** A source with the password and the alias of its configuration; as it is where there are none. */
export function unlocked(source: Source, config: SourceConfig, cluster: KubernetesClient | null): Source {
  const passwords = passwordsOf(config, cluster);
  const alias = config.alias ?? undefined;
  return passwords === null && alias === undefined
    ? source
    : new UnlockedSource(source, { passwords, alias });
}

/** The safest that is configured. */
function passwordsOf(config: SourceConfig, cluster: KubernetesClient | null): Passwords | null {
  const { password, password_file: file, password_secret: secret } = config;
  if (file != null) return new PasswordFile(file);
  if (secret != null && cluster !== null) return new SecretPasswords(cluster, secret);
  if (password == null) return null;
  return new FixedPassword(password.startsWith('{vault://') ? null : password);
}
