/**
 * Finds out what a change of the voters needs to know, by asking the cluster: the directory id of a
 * controller, and the listeners of a new one. Apache Kafka's tool reads them from the controller's disk.
 *
 * @module
 */
import type { Admin, ControllerListener, LeavingVoter, NewVoter } from "../src/client/mod.ts";
import { CommandError } from "./fail.ts";

/** The requests that are used. */
export type VoterAdmin = Pick<
  Admin,
  "describeCluster" | "describeControllers" | "describeQuorum" | "close"
>;

/**
 * Returns controller `id` as a voter to add. `listeners` are used if given; otherwise a voter at one of
 * its listeners is asked for those of the new controller, with a client of `connect`. Throws a CommandError
 * that says what is missing.
 */
export async function findNewVoter(
  admin: VoterAdmin,
  id: number,
  listeners: readonly ControllerListener[],
  connect: (bootstrapServers: string) => VoterAdmin,
): Promise<NewVoter> {
  const refuse = (why: string) =>
    new CommandError(`Cannot add controller ${id} to the quorum: ${why}`);
  const quorum = await admin.describeQuorum();
  if (quorum.voters.some(({ nodeId }) => nodeId === id)) throw refuse("it is a voter already");
  const found = quorum.observers.filter(({ nodeId }) => nodeId === id);
  const [observer] = found;
  if (observer === undefined) {
    throw refuse(
      "no node with this id reads the metadata log; start it with process.roles=controller and " +
        "controller.quorum.bootstrap.servers first",
    );
  }
  if (found.length > 1) {
    throw refuse(
      `${found.length} directories are used with this id, ${
        found.map(({ directoryId }) => directoryId).join(" and ")
      }; stop all nodes with this id but one, and try again after five minutes`,
    );
  }
  const { directoryId } = observer;
  if (directoryId === null) {
    throw refuse(
      "the cluster does not report directory ids; upgrade it to Apache Kafka 3.9 or later",
    );
  }
  const { clusterId } = await admin.describeCluster();
  const known = listeners.length > 0
    ? listeners
    : await listenersOf(id, quorum.listeners.get(quorum.leaderId) ?? [], connect);
  if (known.length === 0) {
    throw refuse(
      "it is not registered as a controller; if its process.roles has the role controller, name its " +
        "listeners with --listener CONTROLLER://host:port",
    );
  }
  return { nodeId: id, directoryId, listeners: known, ...(clusterId !== null && { clusterId }) };
}

/** Returns the listeners of controller `id`, as the leader of the quorum knows them. */
async function listenersOf(
  id: number,
  leader: readonly ControllerListener[],
  connect: (bootstrapServers: string) => VoterAdmin,
): Promise<ControllerListener[]> {
  const listeners: ControllerListener[] = [];
  for (const { name, host, port } of leader) {
    // A controller answers with the addresses of the listener that is asked.
    const controller = connect(host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);
    try {
      const { controllers } = await controller.describeControllers();
      const found = controllers.find(({ nodeId }) => nodeId === id);
      if (found !== undefined) listeners.push({ name, host: found.host, port: found.port });
    } catch (error) {
      throw new CommandError(
        `Cannot ask the active controller for the listeners of controller ${id}: ${
          (error as Error).message
        }; name them with --listener ${name}://host:port`,
      );
    } finally {
      await controller.close();
    }
  }
  return listeners;
}

/** Returns the voter with the id `id`. Throws a CommandError. */
export async function findVoter(admin: VoterAdmin, id: number): Promise<LeavingVoter> {
  const refuse = (why: string) =>
    new CommandError(`Cannot remove controller ${id} from the quorum: ${why}`);
  const { voters } = await admin.describeQuorum();
  const voter = voters.find(({ nodeId }) => nodeId === id);
  if (voter === undefined) {
    throw refuse(`the voters are ${voters.map(({ nodeId }) => nodeId).join(", ")}`);
  }
  if (voters.length === 1) throw refuse("it is the only voter; add another one first");
  const { directoryId } = voter;
  if (directoryId === null) {
    throw refuse(
      "its quorum is a fixed one; change controller.quorum.voters on every node instead",
    );
  }
  const { clusterId } = await admin.describeCluster();
  return { nodeId: id, directoryId, ...(clusterId !== null && { clusterId }) };
}
