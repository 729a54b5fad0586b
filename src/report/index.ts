export { EventReporter, type PostEvent } from './event-reporter';
export { LOG_FIELDS, type Fields, type Level, type LogField } from '../model';
export { LogHub, stderrLogger, type LogRoot, type LogSettings, type OpenLog } from './log-hub';
export { JsonLogger, type Logger } from './logger';
export { LogReporter } from './log-reporter';
export { redact, safeText, toJson } from '../common/safe-text';
