import { isInCluster } from '../../kubernetes';
import type { Check } from './check';
import type { DoctorContext } from './context';
import { isManagedOutside } from './wiring';

/** So many requests at once reach every worker; one of them may answer differently. */
const ROUNDS = 8;

/** Whether an ingress controller can work with this Kong, and what depends on it. */
export async function checkController(context: DoctorContext, check: Check): Promise<void> {
  const { kong, hasController, configs } = context;
  if (kong instanceof Error) {
    check.skip('Kong does not answer');
    return;
  }
  // Where no controller can come, there are no traces to look for.
  const mayCome = isInCluster() || configs.some(({ config }) => config.sources.some(isKubernetes));
  if (!hasController && !mayCome) {
    check.skip('no ingress controller writes to this Kong');
    return;
  }
  if (await isRootBroken(kong.client)) {
    const what =
      'GET / of the Admin API answers 500, since Kong starts the plugin server itself (a bug of Kong 3.9): an ingress controller asks that before everything else, and leaves Kong without a configuration';
    const fix =
      'run the plugin as a sidecar: deploy/kubernetes/values-ingress-chart.yaml and docs/sidecar.md show how';
    if (hasController) check.fail(what, fix);
    else check.warn(what, fix);
  } else
    check.ok(
      `GET / of the Admin API is answered${hasController ? ', as the ingress controller needs it' : ''}`,
    );
  if (!hasController) return;
  check.ok(
    'an ingress controller writes to this Kong: it gets takeover_grace first, and nothing is created beside it',
  );
  checkEntryOf(context, check);
  await checkBlocking(kong, check);
}

const isKubernetes = ({ type }: { type: string }) => type === 'kubernetes';

async function isRootBroken(client: Client): Promise<boolean> {
  const answers = await Promise.allSettled(Array.from({ length: ROUNDS }, () => client.get('/')));
  return answers.some((answer) =>
    answer.status === 'fulfilled'
      ? answer.value.status === 500
      : (answer.reason as { status?: number | null }).status === 500,
  );
}

/** With the controller's own global plugins its entry is removed, too. */
function checkEntryOf({ isFile, entries, settings, prefix }: DoctorContext, check: Check): void {
  if (isFile || entries instanceof Error || entries.length === 0 || settings instanceof Error) return;
  if (!isManagedOutside(settings, prefix)) return;
  check.warn(
    'the entry of the plugin comes from the ingress controller, which drops all global plugins when it is restarted with a broken configuration',
    'give the sidecar its configuration in a file, which needs no entry: ssl-cert-reloader run -c FILE',
  );
}

/** Our certificates with names: while they exist, the controller cannot use those names. */
async function checkBlocking({ gateway }: Kong, check: Check): Promise<void> {
  if (gateway.traits.writesWhole) return;
  await gateway.certificates.refresh();
  const ours = [...gateway.certificates.stored.values()].filter(
    ({ owner, snis }) => owner === 'us' && snis.length > 0,
  );
  if (ours.length === 0) return;
  const names = ours.flatMap(({ snis }) => snis);
  check.warn(
    `certificates of the plugin have ${names.length} names (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}): an Ingress or Gateway that asks for one of them fails in the controller and blocks every later change`,
    'give the service account list and watch on ingresses and gateways (deploy/kubernetes/rbac-*.yaml): they are then handed over',
  );
}

type Kong = Exclude<DoctorContext['kong'], Error>;
type Client = Kong['client'];
