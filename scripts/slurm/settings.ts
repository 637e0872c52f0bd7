/** The daemons of a cluster, in the order in which they start. */
export const DAEMONS = ["munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd"] as const;
export type DaemonName = (typeof DAEMONS)[number];

/** Where the daemons listen, all on loopback. */
export interface SlurmPorts {
  readonly controller: number;
  readonly database: number;
  readonly sql: number;
  readonly node: number;
}

/** What the files of a cluster are made of. */
export interface ClusterFacts {
  readonly folder: string;
  /** The controller refuses any other name than the machine's own. */
  readonly host: string;
  readonly user: string;
  readonly ports: SlurmPorts;
  readonly hasAccounting: boolean;
  readonly cpus: number;
}

/** `slurm.conf` of a cluster that starts jobs as soon as it can and needs no cgroups. */
export function renderSlurmConf({ folder, host, user, ports, hasAccounting, cpus }: ClusterFacts): string {
  const accounting = hasAccounting
    ? [
        "AccountingStorageType=accounting_storage/slurmdbd",
        "AccountingStorageHost=127.0.0.1",
        `AccountingStoragePort=${ports.database}`,
        // The connection to the database does not look at AuthInfo for the socket.
        `AccountingStoragePass=${folder}/munge/munge.sock`,
        "AccountingStorageTRES=gres/gpu",
      ]
    : [
        "AccountingStorageType=accounting_storage/none",
        "JobCompType=jobcomp/filetxt",
        `JobCompLoc=${folder}/log/jobcomp.log`,
      ];
  return lines(
    "ClusterName=test",
    `SlurmctldHost=${host}(127.0.0.1)`,
    `SlurmUser=${user}`,
    `SlurmdUser=${user}`,
    `SlurmctldPort=${ports.controller}`,
    "CommunicationParameters=NoCtldInAddrAny,NoInAddrAny",
    "AuthType=auth/munge",
    "CredType=cred/munge",
    `AuthInfo=socket=${folder}/munge/munge.sock`,
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool/%n`,
    `SlurmctldPidFile=${folder}/run/slurmctld.pid`,
    `SlurmdPidFile=${folder}/run/slurmd-%n.pid`,
    `SlurmctldLogFile=${folder}/log/slurmctld.log`,
    `SlurmdLogFile=${folder}/log/slurmd.log`,
    `PlugStackConfig=${folder}/etc/plugstack.conf`,
    "ProctrackType=proctrack/linuxproc",
    "TaskPlugin=task/none",
    "SwitchType=switch/none",
    "MpiDefault=none",
    "MailProg=/bin/true",
    // CPUs and memory as they are written below, whatever the machine has.
    "SlurmdParameters=config_overrides",
    "ReturnToService=2",
    "SelectType=select/cons_tres",
    "SelectTypeParameters=CR_CPU_Memory",
    "DefMemPerCPU=100",
    "SchedulerType=sched/backfill",
    // Jobs start in a fraction of a second instead of several seconds.
    "SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1,bf_window=60",
    "PriorityType=priority/basic",
    "JobAcctGatherType=jobacct_gather/linux",
    "JobAcctGatherFrequency=task=1",
    "KillWait=2",
    "UnkillableStepTimeout=30",
    "CompleteWait=0",
    "InactiveLimit=0",
    `MinJobAge=${hasAccounting ? 300 : 5}`,
    "SlurmctldTimeout=30",
    "SlurmdTimeout=30",
    "MessageTimeout=10",
    "TCPTimeout=5",
    ...accounting,
    "GresTypes=gpu",
    `NodeName=n1 NodeHostname=${host} NodeAddr=127.0.0.1 Port=${ports.node} CPUs=${cpus} RealMemory=8000 Gres=gpu:a100:2 State=UNKNOWN`,
    // A node that is never there, so that jobs can exclude it.
    "NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.2 CPUs=1 RealMemory=1000 State=DOWN",
    "PartitionName=main Nodes=n1 Default=YES MaxTime=INFINITE DefaultTime=INFINITE State=UP OverSubscribe=NO",
    "PartitionName=wide Nodes=n1,n2 MaxTime=INFINITE DefaultTime=INFINITE State=UP OverSubscribe=NO",
  );
}

/** `gres.conf`: two graphics processors that nobody uses, so that nothing needs to be behind them. */
export function renderGresConf(): string {
  return lines("AutoDetect=off", "NodeName=n1 Name=gpu Type=a100 File=/dev/null,/dev/zero");
}

export function renderSlurmdbdConf({ folder, user, ports }: ClusterFacts): string {
  return lines(
    "DbdHost=localhost",
    "DbdAddr=127.0.0.1",
    `DbdPort=${ports.database}`,
    `SlurmUser=${user}`,
    "AuthType=auth/munge",
    `AuthInfo=socket=${folder}/munge/munge.sock`,
    "CommunicationParameters=NoInAddrAny",
    "StorageType=accounting_storage/mysql",
    "StorageHost=127.0.0.1",
    `StoragePort=${ports.sql}`,
    "StorageUser=slurm",
    "StoragePass=slurm",
    "StorageLoc=slurm_acct",
    `PidFile=${folder}/run/slurmdbd.pid`,
    `LogFile=${folder}/log/slurmdbd.log`,
  );
}

function lines(...all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}
