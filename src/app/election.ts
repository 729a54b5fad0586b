import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config } from './config';
import { Election, leadershipLog } from '../leadership';
import { clientOf, KubernetesLeases } from '../kubernetes';
import type { Logger } from '../report';
import type { Connection } from './connection';

/**
 * The election among the gateways of a database; null: this one writes in any case.
 * @param gained called when this gateway begins to lead
 */
export function createElection(
  config: Config,
  kong: Connection,
  logger: Logger,
  entry: string,
  gained: () => void,
): Election | null {
  const { enabled, lease, namespace, duration } = config.leader_election;
  if (!enabled || config.mode === 'observe') return null;
  if (!kong.gateway.traits.sharesDatabase) {
    const detail = 'this Kong has no database, so no other gateway writes its configuration';
    logger.log('warn', 'leader_election is ignored', { entry, detail });
    return null;
  }
  return new Election({
    // The cluster of the sources' kubeconfig, else the one that this pod is in.
    store: () => {
      const source = config.sources.find(({ kubeconfig }) => kubeconfig != null);
      const client = clientOf(source ?? {}, (duration * 1000) / 3);
      return new KubernetesLeases(client, lease, namespace ?? undefined);
    },
    identity: `${hostname()}_${randomUUID()}`,
    durationMs: duration * 1000,
    changed: leadershipLog(
      (level, message, fields) => logger.log(level, message, { entry, lease, ...fields }),
      gained,
    ),
  });
}
