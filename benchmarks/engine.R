# Times R's fits of bivariate models, inside R and after loading; called by benchmarks/engine.py.
#
#   Rscript benchmarks/engine.R FOLDER BOOTSTRAP_SET REFITS
# prints one JSON object: data set -> fitter -> CPU seconds (the least of the repeats) and log-likelihood.
suppressPackageStartupMessages({
  library(lme4)
  library(glmmTMB)
  library(metafor)
  library(jsonlite)
})

arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]

arms <- function(d) {
  k <- nrow(d)
  half <- if (any(d[, c("tp", "fp", "fn", "tn")] == 0)) 0.5 else 0
  x <- data.frame(
    id = factor(rep(seq_len(k), 2)), sens = rep(1:0, each = k), spec = rep(0:1, each = k),
    arm = factor(rep(c("sens", "spec"), each = k)), y = c(d$tp, d$tn), n = c(d$tp + d$fn, d$tn + d$fp)
  )
  x$yi <- log(x$y + half) - log(x$n - x$y + half)
  x$vi <- 1 / (x$y + half) + 1 / (x$n - x$y + half)
  x
}

fitters <- list(
  "lme4::glmer" = function(x) suppressMessages(glmer(
    cbind(y, n - y) ~ 0 + sens + spec + (0 + sens + spec | id), data = x, family = binomial,
    control = glmerControl(optimizer = "bobyqa")
  )),
  "glmmTMB" = function(x) glmmTMB(
    cbind(y, n - y) ~ 0 + sens + spec + (0 + sens + spec | id), data = x, family = binomial
  ),
  "metafor::rma.mv" = function(x) rma.mv(
    yi, vi, mods = ~ 0 + arm, random = ~ arm | id, struct = "UN", data = x, method = "REML", sparse = TRUE
  )
)

cpu <- function(call) sum(system.time(call())[c("user.self", "sys.self")])

results <- list(software = list(
  R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4")),
  glmmTMB = as.character(packageVersion("glmmTMB")), metafor = as.character(packageVersion("metafor"))
))
for (path in sort(list.files(folder, pattern = "[.]csv$", full.names = TRUE))) {
  x <- arms(read.csv(path))
  repeats <- if (nrow(x) > 200) 1 else 15
  results[[sub("[.]csv$", "", basename(path))]] <- lapply(fitters, function(fitter) {
    tryCatch(suppressWarnings({
      model <- fitter(x)
      list(seconds = min(replicate(repeats, cpu(function() fitter(x)))), log_likelihood = as.numeric(logLik(model)))
    }), error = function(e) list(error = conditionMessage(e)))
  })
}

# The parametric bootstrap as an R user writes it: simulate from the fit, refit.
x <- arms(read.csv(file.path(folder, paste0(arguments[2], ".csv"))))
model <- fitters[["lme4::glmer"]](x)
set.seed(1)
results$bootstrap <- list(seconds = cpu(function() {
  for (i in seq_len(as.integer(arguments[3]))) suppressWarnings(suppressMessages(refit(model, simulate(model)[[1]])))
}))
cat(toJSON(results, auto_unbox = TRUE, digits = 10), "\n")
