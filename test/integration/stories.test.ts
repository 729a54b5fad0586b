import { describe } from 'vitest';
import { describeBothModes } from '../scenarios/both-modes';
import { describeDatabase, describeDbless } from '../scenarios/one-mode';
import { standIn } from './stand-in';

describe('the stand-in gateway', () => {
  describeBothModes(standIn, 'dbless');
  describeBothModes(standIn, 'database');
  describeDbless(standIn);
  describeDatabase(standIn);
});
