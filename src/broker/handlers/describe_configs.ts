/**
 * DescribeConfigs has the same handler on brokers and controllers: that of the controller, whose file has its
 * meaning and its versions.
 *
 * @module
 */
export { describeConfigsHandler } from "../../controller/handlers/describe_configs.ts";
