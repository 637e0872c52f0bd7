export { carryOut } from "../executor/slurm/carry-out.ts";
