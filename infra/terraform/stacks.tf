# Everything but the workflow is deployed from the templates that CDK wrote.

data "aws_caller_identity" "here" {}
data "aws_region" "here" {}
data "aws_partition" "here" {}

locals {
  account   = data.aws_caller_identity.here.account_id
  region    = data.aws_region.here.name
  partition = data.aws_partition.here.partition
  place     = "${local.account}-${local.region}"
  files     = fileset("${var.templates}/assets", "*")
  templates = fileset(var.templates, "${var.name}-*.template.json")
  streamed  = contains(local.templates, "${var.name}-stream.template.json")
  url       = "https://${aws_s3_bucket.assets.bucket}.s3.${local.region}.amazonaws.com"
}

resource "aws_s3_bucket" "assets" {
  bucket        = "${var.name}-assets-${local.place}"
  force_destroy = true
}

resource "aws_s3_bucket_public_access_block" "assets" {
  bucket                  = aws_s3_bucket.assets.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "assets" {
  bucket = aws_s3_bucket.assets.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_object" "assets" {
  for_each    = local.files
  bucket      = aws_s3_bucket.assets.id
  key         = each.value
  source      = "${var.templates}/assets/${each.value}"
  source_hash = filemd5("${var.templates}/assets/${each.value}")
}

resource "aws_s3_object" "templates" {
  for_each    = local.templates
  bucket      = aws_s3_bucket.assets.id
  key         = each.value
  source      = "${var.templates}/${each.value}"
  source_hash = filemd5("${var.templates}/${each.value}")
}

resource "aws_cloudformation_stack" "identity" {
  name         = "${var.name}-identity"
  template_url = "${local.url}/${aws_s3_object.templates["${var.name}-identity.template.json"].key}"
  capabilities = ["CAPABILITY_NAMED_IAM"]
}

resource "aws_cloudformation_stack" "lake" {
  name         = "${var.name}-lake"
  template_url = "${local.url}/${aws_s3_object.templates["${var.name}-lake.template.json"].key}"
  capabilities = ["CAPABILITY_NAMED_IAM"]
  depends_on   = [aws_cloudformation_stack.identity, aws_s3_object.assets]
}

resource "aws_cloudformation_stack" "stream" {
  count        = local.streamed ? 1 : 0
  name         = "${var.name}-stream"
  template_url = "${local.url}/${aws_s3_object.templates["${var.name}-stream.template.json"].key}"
  capabilities = ["CAPABILITY_NAMED_IAM"]
  depends_on   = [aws_cloudformation_stack.lake]
}

resource "aws_cloudformation_stack" "ingest" {
  name         = "${var.name}-ingest"
  template_url = "${local.url}/${aws_s3_object.templates["${var.name}-ingest.template.json"].key}"
  capabilities = ["CAPABILITY_NAMED_IAM"]
  depends_on   = [aws_cloudformation_stack.lake, aws_cloudformation_stack.stream]
}

resource "aws_cloudformation_stack" "ops" {
  name         = "${var.name}-ops"
  template_url = "${local.url}/${aws_s3_object.templates["${var.name}-ops.template.json"].key}"
  capabilities = ["CAPABILITY_NAMED_IAM"]
  depends_on   = [aws_cloudformation_stack.ingest]
}

output "address" {
  description = "Where trackers send to."
  value       = aws_cloudformation_stack.ingest.outputs["Address"]
}
