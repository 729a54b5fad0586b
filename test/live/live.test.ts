import { describe } from 'vitest';
import { describeBothModes } from '../scenarios/both-modes';
import { describeDatabase, describeDbless } from '../scenarios/one-mode';
import { liveSettings, realKong } from './kong';

const settings = liveSettings();

describe.skipIf(settings === null)('a real Kong (needs `npm run test:live -- --kong PATH`)', () => {
  if (settings === null) return;
  describeBothModes(realKong(settings), 'dbless');
  describeDbless(realKong(settings));
});

describe.skipIf((settings?.database ?? []).length === 0)(
  'a real Kong with PostgreSQL (needs `npm run test:live -- --kong PATH --pg URL`)',
  () => {
    if (settings === null) return;
    describeBothModes(realKong(settings), 'database');
    describeDatabase(realKong(settings));
  },
);
