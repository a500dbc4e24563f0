import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListConfigResourcesOptions;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.QuorumInfo;
import org.apache.kafka.clients.admin.TopicListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ElectionNotNeededException;
import org.apache.kafka.common.errors.ResourceNotFoundException;
import org.apache.kafka.common.errors.SecurityDisabledException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedByAuthenticationException;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.quota.ClientQuotaFilterComponent;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * The requests of Kafka's tools to a node without security, quotas and transactions: kafka-acls, kafka-configs,
 * kafka-leader-election, kafka-reassign-partitions, kafka-transactions, kafka-metadata-quorum, kafka-delegation-tokens.
 */
final class AdminRequests {
    private final Admin admin;
    /** A topic with two partitions and records of an idempotent producer. */
    private final String topic;

    AdminRequests(Admin admin, String topic) {
        this.admin = admin;
        this.topic = topic;
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }

    private static void requireFailure(Class<? extends Exception> expected, KafkaFuture<?> future) throws Exception {
        Object answer;
        try {
            answer = future.get();
        } catch (ExecutionException error) {
            require(expected.isInstance(error.getCause()), error.getCause() + " rather than " + expected.getSimpleName());
            return;
        }
        throw new IllegalStateException(answer + " rather than " + expected.getSimpleName());
    }

    void acls() throws Exception {
        AclBinding binding = new AclBinding(new ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL),
            new AccessControlEntry("User:ann", "*", AclOperation.READ, AclPermissionType.ALLOW));
        requireFailure(SecurityDisabledException.class, admin.describeAcls(AclBindingFilter.ANY).values());
        requireFailure(SecurityDisabledException.class, admin.createAcls(List.of(binding)).all());
        requireFailure(SecurityDisabledException.class, admin.deleteAcls(List.of(binding.toFilter())).all());
    }

    void quotasAndCredentials() throws Exception {
        var quotas = admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get();
        require(quotas.isEmpty(), "quotas " + quotas);
        var ofUser = ClientQuotaFilter.containsOnly(List.of(ClientQuotaFilterComponent.ofEntity("user", "ann")));
        require(admin.describeClientQuotas(ofUser).entities().get().isEmpty(), "quotas of a user");
        var credentials = admin.describeUserScramCredentials().all().get();
        require(credentials.isEmpty(), "credentials " + credentials);
        requireFailure(ResourceNotFoundException.class,
            admin.describeUserScramCredentials(List.of("ann")).description("ann"));
        requireFailure(UnsupportedByAuthenticationException.class, admin.describeDelegationToken().delegationTokens());
        requireFailure(UnsupportedByAuthenticationException.class, admin.createDelegationToken().delegationToken());
    }

    void leadersAndReassignments() throws Exception {
        require(admin.listPartitionReassignments().reassignments().get().isEmpty(), "a partition is being moved");
        TopicPartition partition = new TopicPartition(topic, 1);
        TopicPartition unknown = new TopicPartition(topic, 99);
        for (ElectionType type : ElectionType.values()) {
            Map<TopicPartition, Optional<Throwable>> outcomes =
                admin.electLeaders(type, Set.of(partition, unknown)).partitions().get();
            require(outcomes.get(partition).orElseThrow() instanceof ElectionNotNeededException, type + ": " + outcomes);
            require(outcomes.get(unknown).orElseThrow() instanceof UnknownTopicOrPartitionException,
                type + ": " + outcomes);
            var all = admin.electLeaders(type, null).partitions().get();
            require(all.isEmpty(), type + " of all partitions: " + all);
        }
    }

    void transactions(int records) throws Exception {
        TopicPartition partition = new TopicPartition(topic, 0);
        List<ProducerState> producers = admin.describeProducers(List.of(partition)).partitionResult(partition).get()
            .activeProducers();
        require(producers.size() == 1, "producers " + producers);
        ProducerState producer = producers.get(0);
        require(producer.lastSequence() == records / Records.PARTITIONS - 1, "" + producer);
        require(producer.currentTransactionStartOffset().isEmpty(), "" + producer);
        ListTransactionsOptions options = new ListTransactionsOptions().filterStates(List.of(TransactionState.ONGOING))
            .filterProducerIds(List.of(producer.producerId())).filterOnDuration(1);
        var transactions = admin.listTransactions(options).all().get();
        require(transactions.isEmpty(), "transactions " + transactions);
    }

    void quorum() throws Exception {
        QuorumInfo quorum = admin.describeMetadataQuorum().quorumInfo().get();
        require(quorum.voters().size() == 1 && quorum.observers().isEmpty(), "" + quorum);
        QuorumInfo.ReplicaState voter = quorum.voters().get(0);
        require(voter.replicaId() == quorum.leaderId() && quorum.leaderEpoch() > 0, "" + quorum);
        require(quorum.highWatermark() > 0 && voter.logEndOffset() >= quorum.highWatermark(), "" + quorum);
        require(voter.lastFetchTimestamp().isPresent() && voter.lastCaughtUpTimestamp().isPresent(), "" + quorum);
        require(!quorum.nodes().get(quorum.leaderId()).endpoints().isEmpty(), "" + quorum);
    }

    void configResources() throws Exception {
        Set<ConfigResource.Type> types = Set.of(ConfigResource.Type.GROUP, ConfigResource.Type.CLIENT_METRICS);
        var listed = admin.listConfigResources(types, new ListConfigResourcesOptions()).all().get();
        require(listed.isEmpty(), "configured: " + listed);
        for (ConfigResource.Type type : types) {
            ConfigResource resource = new ConfigResource(type, "anything");
            var configs = admin.describeConfigs(List.of(resource)).all().get().get(resource);
            require(configs.entries().stream().allMatch(entry -> entry.isDefault()), type + ": " + configs);
        }
    }

    /** Requires `__consumer_offsets`, created by an earlier request of a producer. */
    void internalTopics() throws Exception {
        var listings = admin.listTopics(new ListTopicsOptions().listInternal(true)).namesToListings().get();
        TopicListing offsets = listings.get("__consumer_offsets");
        require(offsets != null && offsets.isInternal(), "" + listings);
        require(!admin.listTopics().names().get().contains("__consumer_offsets"), "an internal topic is listed");
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, "__consumer_offsets");
        var configs = admin.describeConfigs(List.of(resource)).all().get().get(resource);
        require(configs.get("cleanup.policy").value().equals("compact"), "" + configs.get("cleanup.policy"));
    }
}
