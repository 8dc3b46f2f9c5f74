// Prints what each model that zigbee2mqtt knows exposes, as JSON: [{vendor, model, exposes}, …].
// The first argument is the folder of the package zigbee-herdsman-converters.
"use strict";
const fs = require("node:fs");
const path = require("node:path");

const folder = path.resolve(process.argv[2], "dist");
const {prepareDefinition} = require(folder);
// What a definition is asked with where no device is at hand.
const nobody = {isDummyDevice: true};

function exposesOf(definition) {
    const {exposes} = prepareDefinition(definition);
    return typeof exposes === "function" ? exposes(nobody, {}) : exposes;
}

const models = fs
    .readdirSync(path.join(folder, "devices"))
    .filter((name) => name.endsWith(".js"))
    .sort()
    .flatMap((name) => require(path.join(folder, "devices", name)).definitions ?? [])
    .map((definition) => ({vendor: definition.vendor, model: definition.model, exposes: exposesOf(definition)}));
process.stdout.write(JSON.stringify(models));
