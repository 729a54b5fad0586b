export { JsonLogger, redact, stderrLogger, type Fields, type Level, type Logger } from './logger';
export { EventReporter, type PostEvent } from './event-reporter';
export { LogReporter } from './log-reporter';
