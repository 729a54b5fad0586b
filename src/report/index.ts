export { EventReporter } from './event-reporter';
export { LOG_FIELDS, type Fields, type Level } from '../model';
export { LogHub, stderrLogger, type LogRoot } from './log-hub';
export { JsonLogger, type Logger } from './logger';
export { LogReporter } from './log-reporter';
export { redact, safeText, toJson } from '../common/safe-text';
