/*
 * At SIGUSR1, which scripts for log files send to every process of a gateway, Node.js opens an inspector on
 * 127.0.0.1:9229, through which any user of the machine could read the keys. A listener of our own prevents that
 * (the option --disable-sigusr1 exists from Node.js 22.14 on). To be imported before anything else.
 */
process.on('SIGUSR1', () => undefined);
