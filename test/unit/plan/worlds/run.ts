import {
  changeId,
  type CertificateInfo,
  type Change,
  type Plan,
  type SourcedBundle,
} from '../../../../src/model';
import { endOf, isLate, isOlder } from '../../../../src/plan/leaf-times';
import { certificateIdOf } from '../../../../src/plan/bundle-index';
import { coversHost, DAY, Dice, HOSTS, World } from './world';

const ROUNDS = 8;
const STEPS = 12;

type Served = ReadonlyMap<string, CertificateInfo>;

/** A loss between two plans: none, Kong emptied, or Kong emptied and the process restarted without its memory. */
type Loss = 'none' | 'emptied' | 'forgotten';

/** One world from its beginning through some steps. @throws Error with the first rule that is broken */
export function runWorld(seed: number): void {
  const dice = new Dice(seed);
  const world = new World(dice, {
    create: dice.isOneIn(2),
    isExplicit: dice.isOneIn(2),
    addNames: dice.isOneIn(2),
    hasController: dice.isOneIn(3),
    bankIssuer: dice.of(['public', 'bank-ca']),
  });
  const told = [JSON.stringify(world.options)];
  try {
    for (let step = 0; step < STEPS; step++) {
      const earlier = servedIn(world);
      const loss = act(world, dice, told);
      world.push();
      const before = loss === 'none' ? servedIn(world) : earlier;
      told.push(`-> ${settle(world).join('; ')}`);
      checkServed(world, before, loss);
      checkSentences(world.plan());
      checkTime(world);
    }
  } catch (error) {
    throw new Error(`world ${seed}: ${(error as Error).message}\n${told.join('\n')}`, { cause: error });
  }
}

/** Something happens. */
function act(world: World, dice: Dice, told: string[]): Loss {
  const honest = [...world.places].filter(([, { actor }]) => actor !== 'evil').map(([id]) => id);
  const event = dice.of([
    'put',
    'put',
    'renew',
    'renew',
    'attack',
    'attack',
    'attack',
    'hand',
    'time',
    'remove',
    'restart',
    'empty',
    ...(world.options.hasController ? (['ask', 'ask', 'ask'] as const) : []),
  ]);
  world.unbar();
  switch (event) {
    case 'put': {
      const id = dice.of(honest);
      const before = world.places.get(id)?.bundle?.leaf.notBefore;
      const leaf = world.rightful(id.includes('#bank/') ? 'bank' : 'operator', before);
      told.push(`${id}: ${describe(leaf)}`);
      world.put(id, leaf);
      break;
    }
    case 'renew': {
      const id = dice.of(honest);
      world.renew(id);
      told.push(`${id} renewed: ${describe(world.places.get(id)?.bundle?.leaf)}`);
      break;
    }
    case 'attack':
      told.push(`attack: ${world.attack()}`);
      break;
    case 'hand':
      told.push(`by hand: ${world.makeByHand()}`);
      break;
    case 'ask':
      told.push(world.ask());
      break;
    case 'time':
      world.now += dice.of([0.1, 1, 5, 30]) * DAY;
      told.push(`it is ${new Date(world.now).toISOString()}`);
      break;
    case 'remove': {
      const id = dice.of(honest);
      const place = world.places.get(id);
      told.push(`${id} is gone`);
      if (place !== undefined) place.bundle = null;
      break;
    }
    case 'restart':
      world.restart(dice.isOneIn(2));
      told.push('restart');
      break;
    case 'empty': {
      const isForgetful = dice.isOneIn(3);
      world.kong.certificates = new Map();
      world.restart(isForgetful);
      told.push(`Kong is empty${isForgetful ? ', and nothing is remembered' : ''}`);
      return isForgetful ? 'forgotten' : 'emptied';
    }
  }
  return 'none';
}

/** Plans and writes until there is nothing more to do. */
function settle(world: World): string[] {
  const done: string[] = [];
  for (let round = 0; ; round++) {
    const plan = world.wholePlan();
    world.homes.note(plan.observed);
    if (plan.changes.length + plan.obsolete.length === 0) {
      for (const { id, owner, snis } of world.kong.certificates.values())
        if (owner === 'us' && snis.length === 0) throw new Error(`${id} stays without a name`);
      return done;
    }
    done.push(...plan.changes.map(tell));
    if (round === ROUNDS) throw new Error(`it never settles: ${done.join('; ')}`);
    checkChanges(world, plan);
    world.kong.write(plan.changes);
    for (const { id } of plan.obsolete) remove(world, id);
  }
}

/** Only what is ours is removed, and no name goes with it but one whose certificate has ended. */
function remove({ kong, now }: World, id: string): void {
  const { owner, snis, main } = kong.certificates.get(id) ?? {};
  if (owner !== 'us') throw new Error(`${id} is removed, which is not ours`);
  const isEnded = main?.leaf != null && main.leaf.notAfter <= now;
  if (snis !== undefined && snis.length > 0 && !isEnded)
    throw new Error(`${id} is removed with ${snis.join()}`);
  kong.remove(id);
}

/** The leaf that a client gets for each host, where it covers the host. */
function servedIn(world: World): Served {
  const { kong } = world;
  const served = new Map<string, CertificateInfo>();
  for (const host of Object.values(HOSTS).flat()) {
    const { main, alt } = kong.lookUp(host) ?? {};
    // One half of the evil tenant's is as bad as two.
    const halves = [main?.leaf, alt?.leaf].filter((leaf) => leaf != null && coversHost(leaf, host));
    const leaf = halves.find((one) => one != null && world.truthOf(one).actor === 'evil') ?? halves[0];
    if (leaf != null) served.set(host, leaf);
  }
  return served;
}

function checkServed(world: World, before: Served, loss: Loss): void {
  const now = servedIn(world);
  const isEvil = (leaf: CertificateInfo | undefined) =>
    leaf !== undefined && world.truthOf(leaf).actor === 'evil';
  for (const host of Object.values(HOSTS).flat()) {
    const [was, is] = [before.get(host), now.get(host)];
    const wasRightful = was !== undefined && !isEvil(was) && endOf(was) > world.now;
    if (isEvil(is)) {
      if (wasRightful && loss === 'none') throw new Error(`${host} was taken by the evil tenant`);
      const claims = claimsOn(world, host).filter(
        // A wildcard that comes later takes nobody's host.
        ({ isByName, isVouched, isRemembered }) =>
          isVouched
            ? isByName || !isEvil(was)
            : isByName && isRemembered && wasRightful && loss === 'emptied',
      );
      if (claims.length > 0) throw new Error(`${host} is the evil tenant's, and somebody rightful wants it`);
    }
    if (loss !== 'none' || !wasRightful) continue;
    if (is === undefined) throw new Error(`${host} is served no more`);
  }
}

export const describe = (leaf: CertificateInfo | undefined): string =>
  leaf === undefined
    ? 'nothing'
    : `${leaf.fingerprint} ${leaf.names.join()} of ${leaf.issuer ?? ''} ${new Date(leaf.notBefore).toISOString().slice(0, 10)}..${new Date(leaf.notAfter).toISOString().slice(0, 10)}`;

interface Claim {
  isByName: boolean;
  isVouched: boolean;
  isRemembered: boolean;
}

/**
 * Claims of those whose name it is, with a certificate that could be served now. What is in a certificate made by hand
 * wants no more names than its owner gave it.
 */
function claimsOn(world: World, host: string): Claim[] {
  // Nothing is known any more of where it came from: it may be another gateway's until it is not renewed in time.
  const holder = world.kong.lookUp(host);
  const isUnknown = holder?.owner === 'us' && world.homes.of(holder, 'main') === null;
  if (isUnknown && holder.main.leaf !== null && !isLate(holder.main.leaf, world.now)) return [];
  const byHand = [...world.kong.certificates.values()].filter(({ owner }) => owner !== 'us');
  const isByHand = ({ content }: SourcedBundle) => byHand.some(({ main }) => main.content === content);
  return [...world.places.values()].flatMap(({ actor, bundle }) => {
    if (actor === 'evil' || bundle === null || !bundle.create || isByHand(bundle)) return [];
    const { hasController, isExplicit } = world.options;
    if (hasController && (!isExplicit || bundle.leaf.names.some((name) => world.asked.has(name)))) return [];
    // Another place took over its certificate while it had nothing valid, and its next renewal takes it back.
    const own = world.kong.certificates.get(certificateIdOf(bundle));
    if (own !== undefined && own.main.content !== bundle.content) return [];
    const { leaf } = bundle;
    if (!coversHost(leaf, host) || leaf.notBefore > world.now || endOf(leaf) <= world.now) return [];
    return [
      {
        isByName: leaf.names.includes(host),
        isVouched: world.truthOf(leaf).issuer !== 'bank-ca',
        isRemembered: world.homes.ofName(host).includes(bundle.id),
      },
    ];
  });
}

function checkChanges({ now, options, asked, kong }: World, { changes }: Plan): void {
  for (const change of changes) {
    for (const { name, from } of change.moveSnis ?? []) {
      // One that is missing is made by a change before.
      const { owner = 'us', main, alt } = kong.certificates.get(from) ?? {};
      const isValid = [main, alt].some((half) => half?.leaf != null && endOf(half.leaf) > now);
      if (owner !== 'us' && (owner !== 'other' || isValid))
        throw new Error(`SNI ${name} of ${from} is not ours to move`);
    }
    if (options.hasController && change.handsOver !== true) {
      const names = change.kind === 'create' ? change.snis : change.addSnis;
      const isHandmade = change.kind === 'update' && change.certificate.owner === 'other';
      if (names.some((name) => asked.has(name) && !isHandmade))
        throw new Error(`${names.join()} stands in the way of the ingress controller`);
      if (change.kind === 'create' && !options.isExplicit)
        throw new Error('it creates beside the controller');
    }
    if (change.kind === 'create') continue;
    const { certificate, addSnis, moveSnis, split, bundle, half } = change;
    const present = certificate[half]?.leaf;
    const isNamesAlone = bundle.content === certificate[half]?.content;
    if (present != null && endOf(present) > now && !isNamesAlone && isOlder(bundle.leaf, present))
      throw new Error(`${bundle.id} is older than what ${certificate.id} has`);
    if (certificate.owner === 'us') continue;
    const mayAdd = options.addNames && certificate.owner === 'other' && certificate.snis.length > 0;
    if (addSnis.length > 0 && !mayAdd) throw new Error(`${certificate.id} gains ${addSnis.join()}`);
    if ((moveSnis !== undefined && change.handsOver !== true) || split !== undefined)
      throw new Error(`the names of ${certificate.id}, which is not ours, change`);
  }
}

/** A tenant is told nothing that its own Secret does not hold. */
function checkSentences({ refused }: Plan): void {
  for (const [id, { message, reason }] of refused) {
    if (!id.includes('#evil/') || reason === 'key_mismatch') continue;
    if (/\/[ab]\b|bank\/|directory:/.test(message)) throw new Error(`it tells of others: ${message}`);
  }
}

/** Until the time that a plan names, nothing else is to be done. */
function checkTime(world: World): void {
  const { dueAt } = world.plan();
  const until = Math.min(dueAt - 1, world.now + 400 * DAY);
  const { changes } = world.plan(until);
  const [first] = changes;
  if (first !== undefined)
    throw new Error(
      `time alone changes the plan before ${new Date(dueAt).toISOString()}: ${first.kind} ${first.bundle.id}`,
    );
}

const tell = (change: Change): string => {
  const names = change.kind === 'create' ? change.snis : change.addSnis;
  const moved = change.moveSnis?.map(({ name, from }) => `${name} from ${from}`) ?? [];
  const split = change.kind === 'update' ? (change.split?.snis ?? []) : [];
  const { leaf } = change.bundle;
  return `${changeId(change)} <- ${change.bundle.id} (${leaf.fingerprint}) +[${names.join()}] <[${moved.join()}] -[${split.join()}]`;
};
