#pragma once

// The list of float templates that the optional library graft::compiled holds. With GRAFT_COMPILED defined (the CMake
// target does that) a file that includes graft.hpp does not compile them again: it takes a few seconds instead of many.
// Not included by itself; core.hpp and graft.hpp include it at their ends, compiled/graft.cpp defines what it lists.

#define GRAFT_CORE_TEMPLATES(X) \
  X(class Tensor<float>) \
  X(class LayerImpl<float>) \
  X(class ModelImpl<float>) \
  X(class OptimizerImpl<float>) \
  X(class LossImpl<float>) \
  X(class MetricImpl<float>) \
  X(class Compiled<float>) \
  X(struct CompileOptions<float>) \
  X(struct FitOptions<float>) \
  X(class AugMixImpl<float>) \
  X(class AutoContrastImpl<float>) \
  X(class CutMixImpl<float>) \
  X(class EqualizationImpl<float>) \
  X(class MixUpImpl<float>) \
  X(class RandAugmentImpl<float>) \
  X(class SolarizationImpl<float>) \
  X(class ActivationImpl<float>) \
  X(class ActivityRegularizationImpl<float>) \
  X(class AddImpl<float>) \
  X(class AdditiveAttentionImpl<float>) \
  X(class AlphaDropoutImpl<float>) \
  X(class AttentionImpl<float>) \
  X(class AverageImpl<float>) \
  X(class BatchNormalizationImpl<float>) \
  X(class ConvImpl<float>) \
  X(class ConvTransposeImpl<float>) \
  X(class ConvLSTMImpl<float>) \
  X(class BorderImpl<float>) \
  X(class CustomScaleLayerImpl<float>) \
  X(class DenseImpl<float>) \
  X(class DenseTransposeImpl<float>) \
  X(class DepthwiseConvImpl<float>) \
  X(class CategoryEncodingImpl<float>) \
  X(class CenterCropImpl<float>) \
  X(class ConcatenateImpl<float>) \
  X(class DiscretizationImpl<float>) \
  X(class DotImpl<float>) \
  X(class DropoutImpl<float>) \
  X(class EinsumDenseImpl<float>) \
  X(class ELUImpl<float>) \
  X(class EmbeddingImpl<float>) \
  X(class FlattenImpl<float>) \
  X(class GaussianDropoutImpl<float>) \
  X(class GaussianNoiseImpl<float>) \
  X(class GlobalPoolingImpl<float>) \
  X(class GroupNormalizationImpl<float>) \
  X(class GRUImpl<float>) \
  X(class GroupQueryAttentionImpl<float>) \
  X(class HighwayImpl<float>) \
  X(class IdentityImpl<float>) \
  X(class InputLayerImpl<float>) \
  X(class LayerNormalizationImpl<float>) \
  X(class LayerScaleImpl<float>) \
  X(class LeakyReLUImpl<float>) \
  X(class LSTMImpl<float>) \
  X(class MaskingImpl<float>) \
  X(class LocallyConnectedImpl<float>) \
  X(class MaximumImpl<float>) \
  X(class MaxoutDenseImpl<float>) \
  X(class MinimumImpl<float>) \
  X(class MultiHeadAttentionImpl<float>) \
  X(class MultiplyImpl<float>) \
  X(class NormalizationImpl<float>) \
  X(class PReLUImpl<float>) \
  X(class PermuteImpl<float>) \
  X(class PoolingImpl<float>) \
  X(class RMSNormalizationImpl<float>) \
  X(class RReLUImpl<float>) \
  X(class RandomFlipImpl<float>) \
  X(class RandomShearImpl<float>) \
  X(class RandomSharpnessImpl<float>) \
  X(class RandomSaturationImpl<float>) \
  X(class RandomPosterizationImpl<float>) \
  X(class RandomInvertImpl<float>) \
  X(class RandomHueImpl<float>) \
  X(class RandomGrayscaleImpl<float>) \
  X(class RandomWidthImpl<float>) \
  X(class RandomPerspectiveImpl<float>) \
  X(class RandomHeightImpl<float>) \
  X(class RandomGaussianBlurImpl<float>) \
  X(class RandomElasticTransformImpl<float>) \
  X(class RandomErasingImpl<float>) \
  X(class RandomCropImpl<float>) \
  X(class RandomContrastImpl<float>) \
  X(class RandomColorJitterImpl<float>) \
  X(class RandomColorDegenerationImpl<float>) \
  X(class RandomBrightnessImpl<float>) \
  X(class RandomRotationImpl<float>) \
  X(class RandomTranslationImpl<float>) \
  X(class RandomZoomImpl<float>) \
  X(class ReLUImpl<float>) \
  X(class RepeatVectorImpl<float>) \
  X(class RescalingImpl<float>) \
  X(class ReshapeImpl<float>) \
  X(class SamplingImpl<float>) \
  X(class SeparableConvImpl<float>) \
  X(class SimpleRNNImpl<float>) \
  X(class SoftmaxImpl<float>) \
  X(class SpatialDropoutImpl<float>) \
  X(class UpSamplingImpl<float>) \
  X(class ResizingImpl<float>) \
  X(class SubtractImpl<float>) \
  X(class ThresholdedReLUImpl<float>) \
  X(class UnitNormalizationImpl<float>) \
  X(class BinaryOpImpl<float>) \
  X(class CastOpImpl<float>) \
  X(class ClipOpImpl<float>) \
  X(class CumsumOpImpl<float>) \
  X(class GetItemOpImpl<float>) \
  X(class MatmulOpImpl<float>) \
  X(class PadOpImpl<float>) \
  X(class ReduceOpImpl<float>) \
  X(class RepeatOpImpl<float>) \
  X(class ReshapeOpImpl<float>) \
  X(class SplitOpImpl<float>) \
  X(class StackOpImpl<float>) \
  X(class TransposeOpImpl<float>) \
  X(class UnaryOpImpl<float>) \
  X(class WhereOpImpl<float>) \
  X(class AdadeltaImpl<float>) \
  X(class AdafactorImpl<float>) \
  X(class AdagradImpl<float>) \
  X(class AdamImpl<float>) \
  X(class AdamWImpl<float>) \
  X(class AdamaxImpl<float>) \
  X(class FtrlImpl<float>) \
  X(class LambImpl<float>) \
  X(class LionImpl<float>) \
  X(class MultiOptimizerImpl<float>) \
  X(class MuonImpl<float>) \
  X(class NadamImpl<float>) \
  X(class RMSpropImpl<float>) \
  X(class ScheduleFreeAdamWImpl<float>) \
  X(class SGDImpl<float>) \
  X(class BinaryCrossentropyImpl<float>) \
  X(class CategoricalCrossentropyImpl<float>) \
  X(class ContrastiveLossImpl<float>) \
  X(class NTXentImpl<float>) \
  X(class TripletLossImpl<float>) \
  X(class detail::MinedTripletImpl<float>) \
  X(class HuberImpl<float>) \
  X(class MeanAbsoluteErrorImpl<float>) \
  X(class MeanSquaredErrorImpl<float>) \
  X(class SparseCategoricalCrossentropyImpl<float>) \
  X(class BinaryAccuracyImpl<float>) \
  X(class CategoricalAccuracyImpl<float>) \
  X(class SparseCategoricalAccuracyImpl<float>) \
  X(class SequentialImpl<float>) \
  X(class FunctionalImpl<float>) \
  X(class BidirectionalImpl<float>) \
  X(class SpectralNormalizationImpl<float>) \
  X(class TimeDistributedImpl<float>) \
  X(class Plan<float>) \
  X(class Executor<float>) \
  X(class Trainer<float>) \
  X(class GradientFunction<float>) \
  X(class DatasetCursor<float>) \
  X(class detail::TensorsSource<float>) \
  X(class detail::BatchStage<float>) \
  X(class detail::MapStage<float>) \
  X(class detail::LayerStage<float>) \
  X(class detail::CacheStage<float>) \
  X(class detail::ConcatenateStage<float>) \
  X(class detail::ZipStage<float>) \
  X(class Dataset<float>) \
  X(class detail::LabelledSamples<float>) \
  X(class detail::ClassSlots<float>) \
  X(class detail::PairStage<float>) \
  X(class detail::TripletStage<float>) \
  X(class detail::BalancedStage<float>) \
  X(class detail::ViewStage<float>) \
  X(Dataset<float> pair_dataset<float>(const Dataset<float>&, const PairOptions&)) \
  X(Dataset<float> triplet_dataset<float>(const Dataset<float>&, const TripletOptions&)) \
  X(Dataset<float> balanced_batches<float>(const Dataset<float>&, Index, Index, const BalancedOptions&)) \
  X(Dataset<float> view_dataset<float>(const Dataset<float>&, Index)) \
  X(Dataset<float> rotation_dataset<float>(const Dataset<float>&)) \
  X(Loss<float> Loss<float>::from_config(const Config&)) \
  X(Metric<float> Metric<float>::from_config(const Config&)) \
  X(Optimizer<float> Optimizer<float>::from_config(const Config&)) \
  X(void register_builtin_layers<float>()) \
  X(std::string summarize<float>(const Layer<float>&, const ModelImpl<float>&, const SummaryOptions&)) \
  X(Model<float> Model<float>::from_config(const Config&)) \
  X(Layer<float> Model<float>::get_layer(const std::string&) const) \
  X(History Model<float>::fit(Arrays<float>, Arrays<float>, FitOptions<float>) const) \
  X(History Model<float>::fit(Dataset<float>, FitOptions<float>) const) \
  X(Logs Model<float>::evaluate_logs(Dataset<float>, EvaluateOptions<float>) const) \
  X(std::vector<double> Model<float>::evaluate(Dataset<float>, EvaluateOptions<float>) const) \
  X(std::vector<Tensor<float>> Model<float>::predict_all(Dataset<float>, PredictOptions) const) \
  X(Tensor<float> Model<float>::predict(Dataset<float>, PredictOptions) const) \
  X(Logs Model<float>::evaluate_logs(Arrays<float>, Arrays<float>, EvaluateOptions<float>) const) \
  X(std::vector<double> Model<float>::evaluate(Arrays<float>, Arrays<float>, EvaluateOptions<float>) const) \
  X(std::vector<Tensor<float>> Model<float>::predict_all(Arrays<float>, PredictOptions) const) \
  X(Tensor<float> Model<float>::predict(Arrays<float>, PredictOptions) const) \
  X(std::vector<double> Model<float>::train_on_batch(Arrays<float>, Arrays<float>, BatchOptions<float>) const) \
  X(std::vector<double> Model<float>::test_on_batch(Arrays<float>, Arrays<float>, BatchOptions<float>) const) \
  X(Model<float> clone_model<float>(const Model<float>&)) \
  X(std::optional<PreprocessingMode> preprocessing_mode_of<float>(const Model<float>&)) \
  X(ReusedModel<float> reuse_layers<float>(const Model<float>&, const std::vector<Layer<float>>&, const ReuseOptions<float>&)) \
  X(Sequential<float> reuse_encoder<float>(const Model<float>&, const std::string&, const ReuseEncoderOptions&)) \
  X(FineTuneReport fine_tune<float>(const Model<float>&, const TrainingData<float>&, FineTuneOptions<float>)) \
  X(class detail::FineTuning<float>) \
  X(class detail::TuningRecipes<float>) \
  X(class WeightAverage<float>) \
  X(Fisher<float> fisher_information<float>(const Model<float>&, const Arrays<float>&, const Arrays<float>&, const FisherOptions&)) \
  X(Index add_lora<float>(const Model<float>&, const Lora<float>&)) \
  X(Index merge_lora<float>(const Model<float>&)) \
  X(StrategyChoice choose_strategy<float>(const Dataset<float>&, const StrategyOptions&)) \
  X(Index reestimate_batch_norm<float>(const Model<float>&, const Dataset<float>&, const ReestimateOptions&)) \
  X(class detail::PrefixCache<float>) \
  X(class detail::PrefixRunner<float>) \
  X(std::vector<Lint> detail::lint_graph<float>(const FlatGraph<float>&, const CompileOptions<float>&)) \
  X(FeatureCache<float> extract_features<float>(const Model<float>&, const Arrays<float>&, const std::string&, const FeatureCacheOptions&)) \
  X(FeatureCache<float> extract_features<float>(const Model<float>&, const Dataset<float>&, const std::string&, const FeatureCacheOptions&)) \
  X(std::vector<double> discriminative_learning_rates<float>(const Model<float>&, double, const DiscriminativeOptions&)) \
  X(Index reestimate_batch_norm<float>(const Model<float>&, const Arrays<float>&, const ReestimateOptions&)) \
  X(class detail::ReuseDepthSearch<float>) \
  X(ReuseDepthResult<float> search_reuse_depth<float>(const Model<float>&, const TrainingData<float>&, ReuseDepthOptions<float>)) \
  X(SourceRanking rank_sources<float>(const std::vector<Model<float>>&, const TrainingData<float>&, const RankOptions&)) \
  X(double log_me<float>(const TensorView<const float>&, const TensorView<const float>&, ProbeTask)) \
  X(class RBM<float>) \
  X(GreedyStack<float> greedy_pretrain<float>(const ArrayLike<float>&, const std::vector<GreedyStep<float>>&, const GreedyOptions<float>&)) \
  X(GreedyStep<float> autoencoder_step<float>(Index, AutoencoderStepOptions<float>)) \
  X(GreedyStep<float> rbm_step<float>(Index, RBMOptions, RBMFitOptions)) \
  X(GreedyStack<float> pretrain_autoencoder_stack<float>(const ArrayLike<float>&, const std::vector<Index>&, AutoencoderStepOptions<float>)) \
  X(GreedyStack<float> pretrain_rbm_stack<float>(const ArrayLike<float>&, const std::vector<Index>&, RBMOptions, const RBMFitOptions&)) \
  X(Dataset<float> mask_tokens<float>(const Dataset<float>&, Index, Index, const MaskTokensOptions&)) \
  X(Model<float> siamese_model<float>(const Model<float>&)) \
  X(Model<float> triplet_model<float>(const Model<float>&)) \
  X(History pretrain_simclr<float>(const Model<float>&, const ArrayLike<float>&, const Layer<float>&, const PretrainOptions<float>&)) \
  X(History pretrain_siamese<float>(const Model<float>&, const Dataset<float>&, const PretrainOptions<float>&, const PairOptions&)) \
  X(History pretrain_siamese<float>(const Model<float>&, const ArrayLike<float>&, const Layer<float>&, const PretrainOptions<float>&)) \
  X(History pretrain_rotation<float>(const Model<float>&, const ArrayLike<float>&, const PretrainOptions<float>&))

#define GRAFT_FILE_TEMPLATES(X) \
  X(Model<float> load_model<float>(const std::string&, const LoadOptions<float>&)) \
  X(Dataset<float> hdf5_dataset<float>(const std::string&, const HDF5DatasetOptions&)) \
  X(Model<float> model_from_json<float>(const std::string&, const LoadOptions<float>&)) \
  X(Index save_lora<float>(const Model<float>&, const std::string&, const SaveLoraOptions&)) \
  X(Index load_lora<float>(const Model<float>&, const std::string&, const LoadLoraOptions&)) \
  X(void Model<float>::save(const std::string&, const SaveOptions&) const) \
  X(void Model<float>::save_weights(const std::string&, const SaveOptions&) const) \
  X(LoadReport Model<float>::load_weights(const std::string&, const LoadWeightsOptions&) const) \
  X(std::vector<std::vector<applications::DecodedPrediction>> applications::decode_predictions<float>(const Tensor<float>&, Index, const std::string&))

#define GRAFT_APPLICATION_TEMPLATES(X) \
  X(Model<float> applications::VGG16<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::VGG19<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::ResNet50<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::ResNet101<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::ResNet152<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::ResNet50V2<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::ResNet101V2<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::ResNet152V2<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::InceptionV3<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::InceptionResNetV2<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::Xception<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::DenseNet121<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::DenseNet169<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::DenseNet201<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::NASNetMobile<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::NASNetLarge<float>(const applications::ApplicationOptions&)) \
  X(Model<float> applications::MobileNet<float>(const applications::MobileNetOptions&)) \
  X(Model<float> applications::MobileNetV2<float>(const applications::MobileNetV2Options&)) \
  X(Model<float> applications::MobileNetV3Small<float>(const applications::MobileNetV3Options&)) \
  X(Model<float> applications::MobileNetV3Large<float>(const applications::MobileNetV3Options&)) \
  X(Model<float> applications::EfficientNetB0<float>(const applications::EfficientNetOptions&)) \
  X(Model<float> applications::EfficientNetB1<float>(const applications::EfficientNetOptions&)) \
  X(Model<float> applications::EfficientNetB2<float>(const applications::EfficientNetOptions&)) \
  X(Model<float> applications::EfficientNetB3<float>(const applications::EfficientNetOptions&)) \
  X(Model<float> applications::EfficientNetB4<float>(const applications::EfficientNetOptions&)) \
  X(Model<float> applications::EfficientNetB5<float>(const applications::EfficientNetOptions&)) \
  X(Model<float> applications::EfficientNetB6<float>(const applications::EfficientNetOptions&)) \
  X(Model<float> applications::EfficientNetB7<float>(const applications::EfficientNetOptions&)) \
  X(Model<float> applications::EfficientNetV2B0<float>(const applications::EfficientNetV2Options&)) \
  X(Model<float> applications::EfficientNetV2B1<float>(const applications::EfficientNetV2Options&)) \
  X(Model<float> applications::EfficientNetV2B2<float>(const applications::EfficientNetV2Options&)) \
  X(Model<float> applications::EfficientNetV2B3<float>(const applications::EfficientNetV2Options&)) \
  X(Model<float> applications::EfficientNetV2S<float>(const applications::EfficientNetV2Options&)) \
  X(Model<float> applications::EfficientNetV2M<float>(const applications::EfficientNetV2Options&)) \
  X(Model<float> applications::EfficientNetV2L<float>(const applications::EfficientNetV2Options&)) \
  X(Model<float> applications::ConvNeXtTiny<float>(const applications::ConvNeXtOptions&)) \
  X(Model<float> applications::ConvNeXtSmall<float>(const applications::ConvNeXtOptions&)) \
  X(Model<float> applications::ConvNeXtBase<float>(const applications::ConvNeXtOptions&)) \
  X(Model<float> applications::ConvNeXtLarge<float>(const applications::ConvNeXtOptions&)) \
  X(Model<float> applications::ConvNeXtXLarge<float>(const applications::ConvNeXtOptions&))

#define GRAFT_PICTURE_TEMPLATES(X) \
  X(Tensor<float> decode_image<float>(std::span<const std::uint8_t>, const DecodeImageOptions&)) \
  X(Tensor<float> load_img<float>(const std::string&, const LoadImgOptions&)) \
  X(std::string encode_png<float>(const Tensor<float>&, const SaveImgOptions&)) \
  X(void save_img<float>(const std::string&, const Tensor<float>&, const SaveImgOptions&)) \
  X(Dataset<float> image_dataset_from_directory<float>(const std::string&, const ImageDatasetOptions&)) \
  X(std::pair<Dataset<float>, Dataset<float>> image_datasets_from_directory<float>(const std::string&, \
                                                                                   const ImageDatasetOptions&))

#define GRAFT_DECLARE_TEMPLATE(...) extern template __VA_ARGS__;
#define GRAFT_DEFINE_TEMPLATE(...) template __VA_ARGS__;
