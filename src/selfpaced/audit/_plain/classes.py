"""The classes that a file of plain data may name, and what is kept of each: nothing else is made.

An object is made with the default settings of its class, and then gets the attributes listed here.
Those that lead scikit-learn to places in memory are checked.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import numpy as np

from selfpaced._errors import require

# The module of each class of our own; all their fields are kept.
OURS = {
    "Embedding": "selfpaced.audit._features.embedding",
    "Encoder": "selfpaced.audit._features.table",
    "Ensemble": "selfpaced.audit._learning.ensembles",
    "Features": "selfpaced.audit._features.fit",
    "Gaps": "selfpaced.audit._features.numeric",
    "Numbers": "selfpaced.audit._features.numeric",
    "Pixels": "selfpaced.audit._features.numeric",
    "Scale": "selfpaced.audit._features.numeric",
    "Words": "selfpaced.audit._features.words",
}
# What is kept of a gradient boosting.
BOOSTING = (
    "learning_rate l2_regularization max_features max_bins early_stopping warm_start random_state "
    "max_iter n_features_in_ n_trees_per_iteration_ do_early_stopping_ train_score_ "
    "validation_score_ _baseline_prediction _predictors _random_seed _feature_subsample_rng "
    "_n_features _use_validation_data _scorer _fitted_with_sw"
)
# The other classes: their module and the attributes that are kept.
OTHERS = {
    "Bins": ("selfpaced.audit._learning.ensembles", "steps_"),
    "ComplementNB": (
        "sklearn.naive_bayes",
        "alpha classes_ class_log_prior_ feature_log_prob_ n_features_in_",
    ),
    "ExtraTreeClassifier": (
        "sklearn.tree",
        "min_samples_leaf random_state n_features_in_ n_outputs_ classes_ n_classes_ max_features_ "
        "tree_",
    ),
    "ExtraTreesClassifier": (
        "sklearn.ensemble",
        "n_estimators min_samples_leaf warm_start random_state n_features_in_ n_outputs_ classes_ "
        "n_classes_ estimators_",
    ),
    "FunctionTransformer": ("sklearn.preprocessing", "n_features_in_"),
    "HistGradientBoostingClassifier": ("sklearn.ensemble", f"{BOOSTING} classes_"),
    "HistGradientBoostingRegressor": ("sklearn.ensemble", BOOSTING),
    "LabelEncoder": ("sklearn.preprocessing", "classes_"),
    "LogisticRegression": (
        "sklearn.linear_model",
        "C max_iter warm_start n_features_in_ classes_ n_iter_ coef_ intercept_",
    ),
    "Nystroem": (
        "sklearn.kernel_approximation",
        "gamma n_components random_state n_features_in_ normalization_ components_",
    ),
    "OneHotEncoder": (
        "sklearn.preprocessing",
        "sparse_output dtype handle_unknown drop _sklearn_output_config feature_names_in_ "
        "n_features_in_ categories_ drop_idx_",
    ),
    "Pipeline": ("sklearn.pipeline", "steps"),
    "Ridge": ("sklearn.linear_model", "n_features_in_ coef_ intercept_"),
    "StandardScaler": (
        "sklearn.preprocessing",
        "n_features_in_ n_samples_seen_ mean_ var_ scale_",
    ),
    "TfidfTransformer": (
        "sklearn.feature_extraction.text",
        "sublinear_tf n_features_in_ idf_",
    ),
    "TfidfVectorizer": (
        "sklearn.feature_extraction.text",
        "analyzer ngram_range dtype sublinear_tf _tfidf vocabulary_",
    ),
    "TruncatedSVD": (
        "sklearn.decomposition",
        "n_components n_features_in_ components_",
    ),
    "ApplyToCols": ("skrub._apply_to_cols", "transformers_ all_outputs_"),
    "ApplyToEachCol": ("skrub._apply_to_each_col", "transformers_ all_outputs_"),
    "CheckInputDataFrame": (
        "skrub._check_input",
        "module_name_ feature_names_in_ n_features_in_ feature_names_out_",
    ),
    "CleanCategories": ("skrub._clean_categories", ""),
    "CleanNullStrings": ("skrub._clean_null_strings", "null_strings_"),
    "DatetimeEncoder": (
        "skrub._datetime_encoder",
        "resolution add_total_seconds extracted_features_ _periodic_encoders all_outputs_",
    ),
    "DropUninformative": ("skrub._drop_uninformative", "drop_ all_outputs_"),
    "DurationToFloat": ("skrub._duration_to_float", "all_outputs_"),
    "PassThrough": ("skrub._table_vectorizer", ""),
    "StringEncoder": (
        "skrub._string_encoder",
        "n_components _sklearn_output_config to_str vectorizer_ tsvd_ scaling_factor_ "
        "n_components_ input_name_ all_outputs_",
    ),
    "TableVectorizer": (
        "skrub",
        "_pipeline transformers_ kind_to_columns_ all_outputs_ feature_names_in_ n_features_in_",
    ),
    "ToDatetime": (
        "skrub._to_datetime",
        "format_ output_dtype_ output_time_zone_ all_outputs_",
    ),
    "ToFloat": ("skrub._to_float", "_thousand _needs_str_replace all_outputs_"),
    "ToFloat32": ("skrub._to_float32", "all_outputs_"),
    "ToStr": ("skrub._to_str", "convert_category all_outputs_"),
}
# The arguments of those that need one; it is replaced, or not used any more.
ARGUMENTS: dict[str, Any] = {"ApplyToCols": None, "ApplyToEachCol": None, "Pipeline": []}
# The largest number of features of a model with trees.
MOST_FEATURES = 10_000_000
# What turns each kind of samples into features.
MAKERS = {"table": "Encoder", "images": "Pixels", "array": "Numbers"}
# Words that a vectorizer counts.
ANALYZERS = ("word", "char", "char_wb")


def class_named(name: str) -> type[Any]:
    """Return a class that is listed here.

    Raises:
        ValueError: For another name.

    >>> class_named("Scale").__module__
    'selfpaced.audit._features.numeric'
    >>> class_named("Popen")
    Traceback (most recent call last):
    ValueError: Popen is no class of a model.
    """
    require(name in OURS or name in OTHERS, f"{name} is no class of a model.")
    module = OURS[name] if name in OURS else OTHERS[name][0]
    if module.partition(".")[0] == "skrub":  # there its folder in the home is avoided
        import_module("selfpaced.audit._features.encoding")
    found: type[Any] = getattr(import_module(module), name)
    return found


def known(kind: type[Any]) -> bool:
    """Return whether a class is listed here."""
    name = kind.__name__
    return (name in OURS or name in OTHERS) and class_named(name) is kind


def kept(kind: type[Any]) -> list[str]:
    """Return the names of the attributes of a class that are kept."""
    if is_dataclass(kind):
        return [field.name for field in fields(kind)]
    return OTHERS[kind.__name__][1].split()


def made(name: str, state: dict[str, Any]) -> Any:
    """Return an object of a class that is listed here.

    Args:
        name: The name of the class.
        state: The attributes by their names.

    Raises:
        ValueError: For another class, for attributes that are not kept, and for those that lead out
            of the memory of the object.
    """
    kind = class_named(name)
    names = kept(kind)
    require(set(state) <= set(names), f"{name} has attributes that are not kept.")
    if is_dataclass(kind):
        require(len(state) == len(names), f"{name} lacks attributes.")
        found = object.__new__(kind)
    else:
        found = kind(ARGUMENTS[name]) if name in ARGUMENTS else kind()
    vars(found).update(state)
    if name in COMPLETE:
        COMPLETE[name](found)
    return found


def _complete_categories(encoder: Any) -> None:
    """Check the categories, and set what follows from them."""
    dropped = encoder.drop_idx_
    dropped = [None] * len(encoder.categories_) if dropped is None else list(dropped)
    for values, drop in zip(encoder.categories_, dropped, strict=True):
        of_text = isinstance(values, np.ndarray) and values.dtype == object and values.ndim == 1
        require(
            of_text and all(value != value or isinstance(value, str | None) for value in values),
            "Categories are not text.",
        )
        inside = drop is None or (type(drop) is int and 0 <= drop < len(values))
        require(inside, "A category that is left out does not exist.")
    encoder._infrequent_enabled = False
    encoder._drop_idx_after_grouping = encoder.drop_idx_
    encoder._n_features_outs = [
        len(values) - (drop is not None)
        for values, drop in zip(encoder.categories_, dropped, strict=True)
    ]


def _complete_vectorizer(vectorizer: Any) -> None:
    """Check that the words are numbered from 0, and how they are found."""
    numbers = list(vectorizer.vocabulary_.values())
    require(
        all(type(number) is int for number in numbers)
        and sorted(numbers) == list(range(len(numbers))),
        "Words are not numbered from 0.",
    )
    require(vectorizer.analyzer in ANALYZERS, f"Words are not {vectorizer.analyzer!r}.")
    vectorizer.fixed_vocabulary_ = False


def _complete_features(features: Any) -> None:
    """Check that the samples of a kind are turned into features by what turns these into some."""
    maker = MAKERS.get(features.kind) if isinstance(features.kind, str) else None
    require(type(features.maker).__name__ == maker, "Features are of no kind of samples.")


def _complete_pixels(pixels: Any) -> None:
    """Check the shape and the depth, with which images are read."""
    shape = pixels.shape
    right = isinstance(shape, tuple) and len(shape) == 3
    require(right and all(type(n) is int and n > 0 for n in shape), "Images have no shape.")
    require(type(pixels.depth) is int and 0 < pixels.depth <= 16, "Pixels have no depth.")


def _complete_tree(estimator: Any) -> None:
    """Check that a tree of a forest reads as many features as are given to it."""
    from selfpaced.audit._plain.trees import Tree  # not at the top: most models have no trees

    require(
        isinstance(estimator.tree_, Tree) and estimator.tree_.n_features == _width(estimator),
        "A tree reads other features.",
    )


def _complete_forest(forest: Any) -> None:
    """Check that all trees of a forest read as many features as are given to it."""
    kind = class_named("ExtraTreeClassifier")
    width = _width(forest)
    for estimator in forest.estimators_:
        require(
            type(estimator) is kind and estimator.n_features_in_ == width,
            "A tree reads other features.",
        )


def _complete_boosting(model: Any) -> None:
    """Check that all trees read features that exist, and set what follows from the others."""
    from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper

    from selfpaced.audit._plain.trees import TreePredictor, features_of

    width, trees = _width(model), model.n_trees_per_iteration_
    for each in model._predictors:
        require(type(each) is list and len(each) == trees, "A round of boosting lacks trees.")
        for tree in each:
            inside = isinstance(tree, TreePredictor) and features_of(tree) <= width
            require(inside, "A tree reads other features.")
    model._preprocessor = model.is_categorical_ = model._is_categorical_remapped = None
    model._loss = model._get_loss(sample_weight=None)
    model._bin_mapper = _BinMapper()
    model._bin_mapper.is_categorical_ = np.zeros(width, np.uint8)
    model._bin_mapper.bin_thresholds_ = []  # only those of categories are looked at
    model._bin_mapper.missing_values_bin_idx_ = model._bin_mapper.n_bins - 1


def _width(model: Any) -> int:
    """Return the number of features of a model, which scikit-learn compares with its inputs."""
    width = model.n_features_in_
    require(type(width) is int and 0 < width < MOST_FEATURES, "A model has no features.")
    return int(width)


# What is checked and completed when an object is made.
COMPLETE: dict[str, Callable[[Any], None]] = {
    "ExtraTreeClassifier": _complete_tree,
    "ExtraTreesClassifier": _complete_forest,
    "HistGradientBoostingClassifier": _complete_boosting,
    "HistGradientBoostingRegressor": _complete_boosting,
    "Features": _complete_features,
    "OneHotEncoder": _complete_categories,
    "Pixels": _complete_pixels,
    "TfidfVectorizer": _complete_vectorizer,
}
