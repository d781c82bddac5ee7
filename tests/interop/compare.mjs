// node compare.mjs MANIFEST   loads every .h5 of the manifest with TensorFlow.js and compares its predictions with those of
// Keras. Exit status 1 when a number differs or a file cannot be read for a reason that is not TensorFlow.js's own.
import fs from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import h5wasm from 'h5wasm/node';

const kTolerance = 1e-5;  // |difference| <= kTolerance (1 + |y|)

// What TensorFlow.js itself does not have, by its own messages …
const kUnknown = [
  [/Unknown layer: (\w+)/, 'layer'],
  [/GRUCell does not support (reset_after)/, 'GRU with'],
  [/Unknown (?:activation|initializer|constraint|regularizer): (\w+)/, 'function'],
];
// … and where it computes something else than Keras 3, by the name of the case.
const kOtherwise = new Map(Object.entries({
  'Activation.hard_sigmoid': "hard_sigmoid is Keras 2's",
  'Bidirectional.lstm_masked': 'other masks in Bidirectional',
  'CategoryEncoding.multi_hot': 'CategoryEncoding has the wrong input shape',
  'CategoryEncoding.one_hot': 'CategoryEncoding has the wrong input shape',
  'Embedding.mean_of_masked': 'GlobalAveragePooling1D takes no notice of masks',
  'autoencoder': "calls of nested models are counted as in tf.keras, not as in Keras 3",
  'k360_nested_frozen_base': "calls of nested models are counted as in tf.keras, not as in Keras 3",
  'mobile_blocks': 'no keepdims',
  'nested_frozen_base': "calls of nested models are counted as in tf.keras, not as in Keras 3",
  'BatchNormalization.axis1': 'BatchNormalization along the last axis only',
  'CenterCrop.c35': 'CenterCrop has the wrong input shape',
  'Conv1D.causal_d2': 'no causal padding',
  'Conv1D.channels_first': 'Conv1D gives channels_last',
  'Conv1D.groups2': 'no groups',
  'Conv2D.groups2': 'no groups',
  'Conv2DTranspose.valid_outpad': 'no output_padding',
  'ELU.a05': 'ELU with alpha 1 only',
  'GlobalAveragePooling1D.keepdims': 'no keepdims',
  'GlobalAveragePooling2D.keepdims': 'no keepdims',
  'GlobalMaxPooling1D.keepdims': 'no keepdims',
  'GlobalMaxPooling2D.keepdims': 'no keepdims',
  'LSTM.hard_sigmoid': "hard_sigmoid is Keras 2's",
  'Identity.plain': 'Identity cannot be made',
  'ReLU.all': 'ReLU with max_value only',
  'Resizing.bilinear_down': 'Resizing loses its input',
  'Resizing.bilinear_up': 'Resizing loses its input',
  'Resizing.nearest_up': 'Resizing loses its input',
  'Softmax.axis1': 'Softmax along the last axis only',
  'unicode_names': 'names in ASCII only',
  'UpSampling2D.bilinear2': 'bilinear UpSampling2D aligns corners',
}));

await h5wasm.ready;
await tf.setBackend('cpu');
tf.env().set('PROD', true);

/// The file as TensorFlow.js's own converter would give it: the configuration, and all weights by name.
function artifacts(path) {
  const file = new h5wasm.File(path, 'r');
  try {
    const modelTopology = {
      keras_version: file.attrs.keras_version.value,
      backend: file.attrs.backend.value,
      model_config: JSON.parse(file.attrs.model_config.value),
    };
    const weightSpecs = [], blocks = [];
    const root = file.get('model_weights');
    for (const layer of strings(root, 'layer_names')) {
      const group = root.get(layer);
      for (const name of strings(group, 'weight_names')) {
        const data = group.get(name);
        weightSpecs.push({name: name.replace(/:\d+$/, ''), layer, shape: data.shape, dtype: 'float32'});
        const value = data.shape.length ? data.value : Float32Array.of(Number(data.value));
        blocks.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
      }
    }
    const all = Buffer.concat(blocks);
    return {modelTopology, weightSpecs, weightData: all.buffer.slice(all.byteOffset, all.byteOffset + all.length)};
  } finally {
    file.close();
  }
}

function strings(group, name) {
  // Keras writes UTF-8 into strings of fixed length without saying so.
  const decoded = (list) => list.map((text) => Buffer.from(text, 'latin1').toString('utf8'));
  if (group.attrs[name]) return group.attrs[name].shape[0] === 0 ? [] : decoded(group.attrs[name].value);
  const all = [];  // long lists are written in pieces
  for (let i = 0; group.attrs[name + i]; ++i) all.push(...decoded(group.attrs[name + i].value));
  return all;
}

/// Weights go to the variable of their whole name; in nested models, of its last two parts; in wrappers, of the name behind
/// that of the wrapper, or of its last part alone (TimeDistributed).
function assign(model, {weightSpecs, weightData}) {
  const byName = new Map();
  for (const layer of model.layers) {
    for (const weight of layer.weights) {
      if (byName.has(weight.originalName)) throw new Error(`two weights "${weight.originalName}"`);
      byName.set(weight.originalName, weight);
    }
  }
  const values = tf.io.decodeWeights(weightData, weightSpecs);
  const open = new Set(byName.keys());
  for (const {name, layer} of weightSpecs) {
    const parts = name.split('/');
    const names = [name, parts.slice(-2).join('/'), `${layer}/${name}`, `${layer}/${parts.at(-1)}`];
    const target = names.find((candidate) => open.has(candidate));
    if (!target) throw new Error(`no variable for "${name}" among ${[...open].slice(0, 8).join(', ')}`);
    open.delete(target);
    byName.get(target).write(values[name]);
  }
  if (open.size) throw new Error(`no weights for ${[...open].join(', ')}`);
}

async function load(path) {
  const files = artifacts(path);
  const model = await tf.loadLayersModel(tf.io.fromMemory({modelTopology: files.modelTopology}));
  assign(model, files);
  return model;
}

function arrays(group, letter) {
  const result = [];
  const folder = group.get(letter);
  for (let i = 0; folder.get(String(i)); ++i) {
    const data = folder.get(String(i));
    result.push({shape: data.shape, values: Float32Array.from(data.value, Number)});
  }
  return result;
}

function greatestError(predicted, expected) {
  let worst = 0;
  expected.forEach(({shape, values}, k) => {
    if (String(predicted[k].shape) !== String(shape)) throw new Error(`shape ${predicted[k].shape}, not ${shape}`);
    predicted[k].dataSync().forEach((y, i) => {
      const error = Math.abs(y - values[i]) / (1 + Math.abs(values[i]));
      if (!(error <= worst)) worst = error;  // NaN, too
    });
  });
  return worst;
}

const manifest = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const failures = [], skipped = new Map();
let compared = 0, worst = 0;
for (const entry of manifest) {
  try {
    const model = await load(entry.model);
    const file = new h5wasm.File(entry.io, 'r');
    const group = file.get(entry.group);
    const x = arrays(group, 'x').map(({shape, values}) => tf.tensor(values, shape));
    const expected = arrays(group, 'y');
    file.close();
    const error = greatestError([model.predict(x.length === 1 ? x[0] : x)].flat(), expected);
    model.dispose();
    x.forEach((tensor) => tensor.dispose());
    if (!(error <= kTolerance)) throw new Error(`differs by ${error} of 1 + |y|`);
    compared += 1;
    worst = Math.max(worst, error);
  } catch (error) {
    const text = String(error.message ?? error);
    const unknown = kUnknown.map(([pattern, kind]) => [text.match(pattern), kind]).find(([match]) => match);
    const reason = unknown ? `no ${unknown[1]} ${unknown[0][1]}` : kOtherwise.get(entry.name);
    if (reason) skipped.set(reason, [...(skipped.get(reason) ?? []), entry.name]);
    else failures.push(`${entry.name}: ${text}`);
  }
}
for (const [reason, names] of skipped) console.log(`not in TensorFlow.js: ${reason} (${names.join(', ')})`);
for (const failure of failures) console.log(`FAILED ${failure}`);
console.log(`${manifest.length} files, ${compared} agree (greatest difference ${worst.toExponential(1)} of 1 + |y|), ` +
            `${failures.length} do not, ${manifest.length - compared - failures.length} are beyond TensorFlow.js`);
process.exit(failures.length || compared < 100 ? 1 : 0);
