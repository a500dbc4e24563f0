/** The simulated runtime does what the host's does. */

import { hostRuntime } from "../../src/runtime/host.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import { testRuntimeContract } from "../runtime/contract.ts";

let seed = 0;
testRuntimeContract("simulated runtime's", () => {
  const simulation = new Simulation(seed++, { codecs: hostRuntime().codecs() });
  const runtime = simulation.runtime("alpha");
  runtime.files.makeDirectory("/data");
  return {
    runtime,
    host: "alpha",
    directory: "/data",
    run: (done) => simulation.run(done),
    dispose: () => {},
  };
});
