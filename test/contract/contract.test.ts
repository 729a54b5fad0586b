import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type Gateway } from '../gateway';
import { probeQueryCommand } from './plugin-dump';
import { readRecording } from './recording';
import { Replay, type Exchange } from './replay';
import { SCENARIOS, type Scenario, type Step } from './scenarios';

/**
 * Replays exchanges recorded on a real Kong. By default against the stand-in gateway; with CONTRACT_ADMIN_URL and
 * CONTRACT_MODE (dbless or database) against a Kong 3.9 that may be EMPTIED, whose only plugin (`plugins = ssl-probe`)
 * has the schema CONTRACT_PROBE (see plugin-dump.ts; the others are skipped).
 */
const { CONTRACT_ADMIN_URL: adminUrl, CONTRACT_MODE: mode = 'dbless', CONTRACT_PROBE: probe } = process.env;

function isSkipped(scenario: Scenario): boolean {
  if (adminUrl === undefined) return false;
  return (
    scenario.mode !== mode ||
    scenario.needsFreshGateway === true ||
    (probe ?? scenario.probe) !== scenario.probe
  );
}

for (const scenario of SCENARIOS) {
  describe.skipIf(isSkipped(scenario))(scenario.title, () => {
    let gateway: Gateway | null = null;
    let replay: Replay;

    beforeAll(async () => {
      if (adminUrl === undefined) gateway = await standIn(scenario);
      replay = new Replay(adminUrl ?? gateway?.adminUrl ?? '');
      if (gateway === null) await empty(replay);
    });

    afterAll(async () => {
      await gateway?.stop();
    });

    test.for(scenario.steps.map((step) => [step.sentence, step] as const))('%s', async ([, step]) => {
      await step.given?.(replay);
      const { actual, expected } = await replay.run(readRecording(step.recording));
      expect(visible(step, actual)).toEqual(visible(step, expected));
    });
  });
}

function standIn(scenario: Scenario): Promise<Gateway> {
  const startCommand = scenario.isManaged === true ? { startCommand: 'sleep 600' } : {};
  return startGateway({
    mode: scenario.mode,
    pluginServers: [{ name: 'ssl-probe', queryCommand: probeQueryCommand(scenario.probe), ...startCommand }],
  });
}

async function empty(replay: Replay): Promise<void> {
  if (mode === 'dbless') {
    await replay.put('POST', '/config', { _format_version: '3.0' });
    return;
  }
  for (const collection of ['plugins', 'snis', 'certificates']) {
    const { body } = await replay.send('GET', `/${collection}?size=1000`);
    for (const { id } of (body as { data: { id: string }[] }).data)
      await replay.send('DELETE', `/${collection}/${id}`);
  }
}

function visible(step: Step, exchange: Exchange): unknown {
  if (step.isPage !== true) return exchange;
  const { data, ...links } = exchange.body as { data: unknown[] };
  return { ...exchange, body: { ...links, items: data.length } };
}
