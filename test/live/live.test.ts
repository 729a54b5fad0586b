import { describe } from 'vitest';
import { describeBothModes } from '../scenarios/both-modes';
import { describeDefaultCertificate } from '../scenarios/default-certificate';
import { describeWriteBack } from '../scenarios/write-back';
import { describeNames } from '../scenarios/names';
import { describeTrouble } from '../scenarios/trouble';
import { describeTwins } from '../scenarios/twins';
import { describeDatabase, describeDbless } from '../scenarios/one-mode';
import type { StartKong } from '../scenarios/kong';
import { describeClientCertificate } from './client-certificate';
import { describeLostRemovals } from './lost-removals';
import { describeLuaPlugin } from './lua-plugin';
import { describeLostEvents, describeStream } from './stream';
import { describeTorture } from './torture';
import { liveSettings, realKong } from './kong';

const settings = liveSettings();
const notThere: StartKong = () => Promise.reject(new Error('there is no real Kong'));
const start = settings === null ? notThere : realKong(settings);

describe.skipIf(settings === null)('a real Kong (needs `npm run test:live -- --kong PATH`)', () => {
  describeBothModes(start, 'dbless');
  describeNames(start, 'dbless');
  describeTrouble(start, 'dbless');
  describeTwins(start, 'dbless');
  describeDefaultCertificate(start, 'dbless');
  describeDbless(start);
  describeWriteBack(start);
  describeLuaPlugin(start);
  describeStream(start, 'dbless');
  describeClientCertificate(start, 'dbless');
  describeTorture('dbless', settings);
});

describe.skipIf((settings?.database ?? []).length === 0)(
  'a real Kong with PostgreSQL (needs `npm run test:live -- --kong PATH --pg URL`)',
  () => {
    describeBothModes(start, 'database');
    describeNames(start, 'database');
    describeTrouble(start, 'database');
    describeTwins(start, 'database');
    describeDefaultCertificate(start, 'database');
    describeDatabase(start);
    describeStream(start, 'database');
    describeClientCertificate(start, 'database');
    describeLostRemovals(settings);
    describeLostEvents(settings);
    describeTorture('database', settings);
  },
);
