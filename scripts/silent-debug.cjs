// Stands in for the package `debug` in the bundle: oclif's traces of itself are of no use to ours, and the package
// opens stderr and loads Node's terminal and network modules to find out whether they would be in colour.
module.exports = () => Object.assign(() => undefined, { enabled: false, extend: module.exports });
