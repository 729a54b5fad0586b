import { describe } from 'vitest';
import { describeBothModes } from '../scenarios/both-modes';
import { describeDefaultCertificate } from '../scenarios/default-certificate';
import { describeWriteBack } from '../scenarios/write-back';
import { describeNames } from '../scenarios/names';
import { describeTrouble } from '../scenarios/trouble';
import { describeTwins } from '../scenarios/twins';
import { describeDatabase, describeDbless } from '../scenarios/one-mode';
import { standIn } from './stand-in';

describe('the stand-in gateway', () => {
  describeBothModes(standIn, 'dbless');
  describeNames(standIn, 'dbless');
  describeTrouble(standIn, 'dbless');
  describeTwins(standIn, 'dbless');
  describeDefaultCertificate(standIn, 'dbless');
  describeBothModes(standIn, 'database');
  describeNames(standIn, 'database');
  describeTrouble(standIn, 'database');
  describeTwins(standIn, 'database');
  describeDefaultCertificate(standIn, 'database');
  describeDbless(standIn);
  describeWriteBack(standIn);
  describeDatabase(standIn);
});
