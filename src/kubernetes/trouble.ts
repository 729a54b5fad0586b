import { refusal, type Refusal } from '../model';
import type { KubernetesError } from './client';

export const placeOf = (namespace: string | null): string =>
  namespace === null ? 'all namespaces' : `namespace ${namespace}`;

export function missingVerb(verb: string, what: string, effect: string): Refusal {
  return refusal('forbidden', `the verb ${verb} on ${what} is missing (RBAC): ${effect}`);
}

/** A sentence about a failed request: who lacks which right, or why the server cannot be asked. */
export function trouble(error: unknown, verb: string, what: string): Refusal {
  const { status, message } = error as Partial<KubernetesError> & Error;
  if (status === 403) {
    return refusal(
      'forbidden',
      `${what} cannot be read: the verb ${verb} is missing (RBAC); the API server says: ${message}`,
    );
  }
  if (status === 401) {
    return refusal(
      'forbidden',
      `${what} cannot be read: the API server does not accept the token; has it expired, or is it from another cluster?`,
    );
  }
  if (status === 404) return refusal('unreadable', `${what}: not found; does the namespace exist?`);
  return refusal('unreachable', `${what} cannot be read: ${message}`);
}
