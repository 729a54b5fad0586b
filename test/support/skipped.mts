import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';

/** The command after which the skipped tests of a folder run, by the start of their path. */
const COMMANDS: readonly (readonly [folder: string, command: string])[] = [
  ['test/kubernetes/', 'bash test/kubernetes/prepare'],
  ['test/vault/', 'bash test/vault/prepare'],
  ['test/monitoring/', 'bash test/monitoring/prepare'],
  ['test/browser/', 'bash test/monitoring/prepare'],
  ['test/acme/', 'bash test/acme/prepare'],
  ['test/live/', 'npm run test:live -- --kong PATH [--pg postgres://…]'],
];

const BY_HAND = 'what the name says';

/** Prints which groups of tests were skipped, and what would let them run. */
export default class SkippedGroups implements Reporter {
  #vitest: Vitest | null = null;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    // With a pattern most tests are left out because somebody wanted it so.
    if (this.#vitest?.getGlobalTestNamePattern() !== undefined) return;
    const groups = modules.flatMap((module) =>
      skippedIn(module).map((task) => ({
        title: task.fullName,
        tests: task.type === 'suite' ? [...task.children.allTests()].length : 1,
        command: commandFor(module.relativeModuleId),
      })),
    );
    if (groups.length === 0) return;
    const byCommand = new Map<string, typeof groups>();
    for (const group of groups) {
      byCommand.set(group.command, [...(byCommand.get(group.command) ?? []), group]);
    }
    const lines = [...byCommand].flatMap(([command, found]) => [
      `   to run them: ${command}`,
      ...found.map(({ title, tests }) => `     ${String(tests).padStart(4)}  ${title}`),
    ]);
    process.stdout.write(`\n Skipped groups\n${lines.join('\n')}\n\n`);
  }
}

/** The topmost tasks that were skipped. */
function skippedIn(parent: TestModule | TestSuite): (TestSuite | TestCase)[] {
  return [...parent.children].flatMap((task) => {
    if (task.options.mode === 'skip') return [task];
    return task.type === 'suite' ? skippedIn(task) : [];
  });
}

const commandFor = (path: string) => COMMANDS.find(([folder]) => path.startsWith(folder))?.[1] ?? BY_HAND;
