import { describe } from 'vitest';
import { describeBothModes } from '../scenarios/both-modes';
import { describeDefaultCertificate } from '../scenarios/default-certificate';
import { describeWriteBack } from '../scenarios/write-back';
import { describeTwins } from '../scenarios/twins';
import { describeDatabase, describeDbless } from '../scenarios/one-mode';
import { standIn } from './stand-in';

describe('the stand-in gateway', () => {
  describeBothModes(standIn, 'dbless');
  describeTwins(standIn, 'dbless');
  describeDefaultCertificate(standIn, 'dbless');
  describeBothModes(standIn, 'database');
  describeTwins(standIn, 'database');
  describeDefaultCertificate(standIn, 'database');
  describeDbless(standIn);
  describeWriteBack(standIn);
  describeDatabase(standIn);
});
