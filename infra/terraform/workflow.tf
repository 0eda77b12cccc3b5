# Ingest -> Process -> Write, in Terraform's own resources; the states are the same file as CDK's.

locals {
  doors = toset(["ingest", "process", "write"])
  raw   = "arn:${local.partition}:s3:::${var.name}-raw-${local.place}"
  salts = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${var.name}-salts"
  # What each step may do beside what all of them may.
  own = {
    ingest = [
      { actions = ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"], on = ["${local.raw}/ingest/*"] },
      { actions = ["s3:GetObject"], on = ["${local.raw}/incoming/*"] },
      { actions = ["secretsmanager:GetSecretValue"], on = [data.aws_secretsmanager_secret.key.arn] },
      { actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"], on = [local.salts] },
    ]
    process = [
      {
        actions = ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"]
        on      = ["${local.raw}/ingest/*", "${local.raw}/processed/*"]
      },
    ]
    write = [
      { actions = ["s3:GetObject"], on = ["${local.raw}/processed/*"] },
      { actions = ["dynamodb:BatchWriteItem", "dynamodb:PutItem"], on = [aws_dynamodb_table.events.arn] },
    ]
  }
}

data "aws_kms_alias" "key" {
  name       = "alias/${var.name}"
  depends_on = [aws_cloudformation_stack.identity]
}

data "aws_secretsmanager_secret" "key" {
  name       = "${var.name}-installation-key"
  depends_on = [aws_cloudformation_stack.identity]
}

data "aws_sqs_queue" "dead_letters" {
  name       = "${var.name}-dead-letters"
  depends_on = [aws_cloudformation_stack.lake]
}

resource "aws_dynamodb_table" "events" {
  name         = "${var.name}-events"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "user_id"
  range_key    = "event_time"

  attribute {
    name = "user_id"
    type = "S"
  }
  attribute {
    name = "event_time"
    type = "S"
  }
  ttl {
    attribute_name = "expires"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
  server_side_encryption {
    enabled     = true
    kms_key_arn = data.aws_kms_alias.key.target_key_arn
  }
}

resource "aws_dynamodb_table" "idempotency" {
  name         = "${var.name}-idempotency"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"

  attribute {
    name = "id"
    type = "S"
  }
  ttl {
    attribute_name = "expiration"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
  server_side_encryption {
    enabled     = true
    kms_key_arn = data.aws_kms_alias.key.target_key_arn
  }
}

resource "aws_sqs_queue" "failed" {
  name                              = "${var.name}-workflow-failures"
  kms_master_key_id                 = data.aws_kms_alias.key.target_key_arn
  kms_data_key_reuse_period_seconds = 3600
  message_retention_seconds         = 1209600
}

resource "aws_cloudwatch_log_group" "functions" {
  for_each          = local.doors
  name              = "/aws/lambda/${var.name}-${each.value}"
  retention_in_days = var.log_days
  kms_key_id        = data.aws_kms_alias.key.target_key_arn
}

resource "aws_lambda_function" "steps" {
  for_each      = local.doors
  function_name = "${var.name}-${each.value}"
  description   = "footfall.apps.lambdas.${each.value}"
  role          = aws_iam_role.functions[each.value].arn
  runtime       = "python3.12"
  architectures = [var.architecture]
  handler       = "footfall.apps.lambdas.${each.value}.handler"
  s3_bucket     = aws_s3_bucket.assets.id
  s3_key        = jsondecode(file("${var.templates}/bundles.json")).columns
  memory_size   = var.memory_mib
  timeout       = 60
  kms_key_arn   = data.aws_kms_alias.key.target_key_arn

  environment {
    variables = {
      FOOTFALL_DATA                  = "/tmp/footfall-data"
      FOOTFALL_AWS_RAW_BUCKET        = "${var.name}-raw-${local.place}"
      FOOTFALL_AWS_EVENTS_TABLE      = aws_dynamodb_table.events.name
      FOOTFALL_AWS_IDEMPOTENCY_TABLE = aws_dynamodb_table.idempotency.name
      FOOTFALL_AWS_DEAD_LETTERS      = data.aws_sqs_queue.dead_letters.url
      FOOTFALL_AWS_KEY_SECRET        = "${var.name}-installation-key"
      FOOTFALL_AWS_SALTS_TABLE       = "${var.name}-salts"
      POWERTOOLS_SERVICE_NAME        = each.value
      POWERTOOLS_METRICS_NAMESPACE   = var.name
    }
  }
  logging_config {
    log_format            = "JSON"
    application_log_level = "INFO"
    system_log_level      = "WARN"
    log_group             = aws_cloudwatch_log_group.functions[each.value].name
  }
  tracing_config {
    mode = "Active"
  }
  depends_on = [aws_s3_object.assets, aws_iam_role_policy.functions]
}

resource "aws_cloudwatch_log_group" "states" {
  name              = "/aws/vendedlogs/states/${var.name}-workflow"
  retention_in_days = var.log_days
  kms_key_id        = data.aws_kms_alias.key.target_key_arn
}

resource "aws_sfn_state_machine" "workflow" {
  name     = "${var.name}-workflow"
  role_arn = aws_iam_role.states.arn
  definition = templatefile("${path.module}/../asl/workflow.asl.json", {
    IngestFunction  = aws_lambda_function.steps["ingest"].arn
    ProcessFunction = aws_lambda_function.steps["process"].arn
    WriteFunction   = aws_lambda_function.steps["write"].arn
    DeadLetters     = aws_sqs_queue.failed.url
  })
  encryption_configuration {
    type                              = "CUSTOMER_MANAGED_KMS_KEY"
    kms_key_id                        = data.aws_kms_alias.key.target_key_arn
    kms_data_key_reuse_period_seconds = 300
  }
  logging_configuration {
    level                  = "ALL"
    include_execution_data = false
    log_destination        = "${aws_cloudwatch_log_group.states.arn}:*"
  }
  tracing_configuration {
    enabled = true
  }
  depends_on = [aws_iam_role_policy.states]
}

resource "aws_cloudwatch_event_bus" "events" {
  name               = var.name
  kms_key_identifier = data.aws_kms_alias.key.target_key_arn
}

resource "aws_cloudwatch_event_rule" "said" {
  name           = "${var.name}-event"
  description    = "An event was put on the bus"
  event_bus_name = aws_cloudwatch_event_bus.events.name
  event_pattern  = jsonencode({ "detail-type" = ["footfall.event"] })
}

resource "aws_cloudwatch_event_rule" "arrived" {
  name        = "${var.name}-arrival"
  description = "A file arrived below incoming/ of the raw bucket"
  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created"]
    detail = {
      bucket = { name = ["${var.name}-raw-${local.place}"] }
      object = { key = [{ prefix = "incoming/" }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "starts" {
  for_each = {
    said    = { rule = aws_cloudwatch_event_rule.said.name, bus = aws_cloudwatch_event_bus.events.name }
    arrived = { rule = aws_cloudwatch_event_rule.arrived.name, bus = "default" }
  }
  rule           = each.value.rule
  event_bus_name = each.value.bus
  arn            = aws_sfn_state_machine.workflow.arn
  role_arn       = aws_iam_role.starter.arn
  dead_letter_config {
    arn = aws_sqs_queue.failed.arn
  }
  retry_policy {
    maximum_retry_attempts       = 24
    maximum_event_age_in_seconds = 86400
  }
}
