/**
 * DescribeUserScramCredentials returns the SCRAM mechanisms of users with their iterations
 * (KIP-554). Credentials exist only in a metadata log that Apache Kafka has written: this version
 * has no request that sets them, and no SASL that would use them.
 *
 * Serves version 0, which is flexible. A missing or empty list of users stands for all users.
 *
 * @module
 */
import { duplicatesOf } from "../../controller/decision.ts";
import type { MetadataImage } from "../../metadata/image.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { describeUserScramCredentials } from "../../protocol/messages/describe_user_scram_credentials.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

type Image = Pick<MetadataImage, "scramUsers" | "scramCredentials">;

interface Needs {
  image(): Image;
}

/** Serves DescribeUserScramCredentials. */
export const describeUserScramCredentialsHandler: Handler<Needs> = defineHandler(
  describeUserScramCredentials,
  {
    handle({ users }, { services }) {
      const image = services.image();
      const names = users === null || users.length === 0
        ? [...image.scramUsers()]
        : users.map(({ name }) => name);
      const duplicates = duplicatesOf(names);
      return {
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        results: [...new Set(names)].map((user) =>
          duplicates.has(user)
            ? failed(
              user,
              ErrorCode.DUPLICATE_RESOURCE,
              `Cannot describe the credentials of "${user}": the request names it more than once`,
            )
            : describe(user, image)
        ),
      };
    },
    onError: (_request, errorCode, errorMessage) => ({ errorCode, errorMessage, results: [] }),
  },
);

function describe(user: string, image: Image) {
  const credentialInfos = Array.from(
    image.scramCredentials(user),
    ([mechanism, { iterations }]) => ({ mechanism, iterations }),
  );
  if (credentialInfos.length > 0) {
    return { user, errorCode: ErrorCode.NONE, errorMessage: null, credentialInfos };
  }
  return failed(
    user,
    ErrorCode.RESOURCE_NOT_FOUND,
    `Cannot describe the credentials of "${user}": the user has none`,
  );
}

function failed(user: string, errorCode: number, errorMessage: string) {
  return { user, errorCode, errorMessage, credentialInfos: [] };
}
