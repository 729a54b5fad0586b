import { standardOutput, type Output, type Paint } from '../output';
import { withProgress, type Progress } from '../progress';
import { table } from '../table';
import { examine, type Finding, type Verdict } from './check';
import { checkCluster } from './cluster';
import { checkController } from './controller';
import {
  checkAdmin,
  checkBodySize,
  checkClock,
  checkListeners,
  checkLog,
  checkMode,
  checkVersion,
} from './kong';
import { openContext, type DoctorOptions, type DoctorContext } from './context';
import { checkEntries, checkNode, checkStatus, checkUser } from './plugin';
import { checkSources } from './sources';
import { checkWiring } from './wiring';

/** @returns the exit code: 1 where a check fails */
export async function doctor(options: DoctorOptions): Promise<number> {
  const findings = await withProgress(async (progress) => {
    const context = await openContext(options);
    const found = await examineAll(context, progress);
    if (!(context.kong instanceof Error)) context.kong.client.close();
    return found;
  });
  const out = standardOutput();
  const failed = findings.filter(({ verdict }) => verdict === 'fail').length;
  if (options.json === true) out.json({ passed: failed === 0, findings });
  else print(findings, out);
  // Exits explicitly: requests that were never answered would keep the process alive.
  const code = failed === 0 ? 0 : 1;
  process.stdout.write('', () => process.exit(code));
  return code;
}

async function examineAll(context: DoctorContext, progress: Progress): Promise<Finding[]> {
  const checks: [string, Parameters<typeof examine>[1]][] = [
    ['Node.js', (check) => checkNode(check)],
    ['status', (check) => checkStatus(context, check)],
    ['Admin API', (check) => checkAdmin(context, check)],
    ['Kong', (check) => checkVersion(context, check)],
    ['mode', (check) => checkMode(context, check)],
    ['plugin server', (check) => checkWiring(context, check)],
    ['plugin entry', (check) => checkEntries(context, check)],
    ['controller', (check) => checkController(context, check)],
    ['listeners', (check) => checkListeners(context, check)],
    ['user', (check) => checkUser(context, check)],
    ['sources', (check) => checkSources(context, check)],
    ['Kubernetes', (check) => checkCluster(context, check)],
    ['log', (check) => checkLog(context, check)],
    ['clock', (check) => checkClock(context, check)],
    ['size', (check) => checkBodySize(context, check)],
  ];
  progress.begin('examine', checks.length);
  const limitMs = context.kong instanceof Error ? LIMIT_WITHOUT_KONG_MS : LIMIT_MS;
  const findings = await Promise.all(
    checks.map(async ([name, look]) => {
      const found = await examine(name, look, limitMs);
      progress.step();
      return found;
    }),
  );
  return findings.flat();
}

/** Limit of each check; sources may be large. */
const LIMIT_MS = 30_000;
/** Limit where Kong does not answer: nobody wants to wait for that answer. */
const LIMIT_WITHOUT_KONG_MS = 5_000;

const STYLES: Record<Verdict, Parameters<Paint>[0]> = {
  ok: 'green',
  warn: 'yellow',
  fail: 'red',
  skip: 'dim',
};

function print(findings: readonly Finding[], out: Output): void {
  const { paint } = out;
  const rows = findings.flatMap(({ check, verdict, detail, fix }) => [
    [paint(STYLES[verdict], verdict), check, detail],
    ...(fix === null ? [] : [['', '', `${paint('bold', 'fix:')} ${fix}`]]),
  ]);
  out.print(
    table([{ title: 'VERDICT' }, { title: 'CHECK' }, { title: 'DETAIL', flexible: true }], rows, out),
  );
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length;
  out.print(`\n${count('ok')} ok, ${count('warn')} warn, ${count('fail')} fail, ${count('skip')} skipped`);
}
