/**
 * The requests of clients that a broker forwards to the active controller in an Envelope.
 *
 * @module
 */

/** Their API keys, as in Apache Kafka 4.4. */
const FORWARDABLE: ReadonlySet<number> = new Set([
  19, // CreateTopics
  20, // DeleteTopics
  30, // CreateAcls
  31, // DeleteAcls
  33, // AlterConfigs
  37, // CreatePartitions
  38, // CreateDelegationToken
  39, // RenewDelegationToken
  40, // ExpireDelegationToken
  43, // ElectLeaders
  44, // IncrementalAlterConfigs
  45, // AlterPartitionReassignments
  46, // ListPartitionReassignments
  49, // AlterClientQuotas
  51, // AlterUserScramCredentials
  55, // DescribeQuorum
  57, // UpdateFeatures
  64, // UnregisterBroker
  80, // AddRaftVoter
  81, // RemoveRaftVoter
  94, // UnregisterController
]);

/** Returns whether an Envelope may contain a request with this key. */
export function isForwardable(apiKey: number): boolean {
  return FORWARDABLE.has(apiKey);
}
