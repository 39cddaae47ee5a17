//! What the controller and its nodes need in an account, as files: policies with placeholders for
//! `envsubst`, and a CloudFormation template with the node role, the queue of interruptions and the
//! rules that fill it.
//!
//! What is *not* here: what the policies allow ([`aws::policy`]), the cluster, and the role of the
//! controller, which depends on how pods get roles there.

use std::fmt::Write as _;

use aws::messages;
use aws::policy::{Document, Policy, Scope};

/// What nodes may do, by policies of AWS.
const NODE_POLICIES: [&str; 4] = [
    "AmazonEKS_CNI_Policy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
];

/// Events that go to the queue: name of the rule, and source and type as [`aws::messages`] reads
/// them.
pub const RULES: [(&str, (&str, &str)); 5] = [
    ("ScheduledChangeRule", messages::HEALTH),
    ("SpotInterruptionRule", messages::SPOT_INTERRUPTION),
    ("RebalanceRule", messages::REBALANCE),
    ("InstanceStateChangeRule", messages::STATE_CHANGE),
    (
        "CapacityReservationInterruptionRule",
        messages::RESERVATION_INTERRUPTION,
    ),
];

/// Each policy as a file of its own, with the placeholders `${AWS_PARTITION}`, `${AWS_REGION}`,
/// `${AWS_ACCOUNT_ID}` and `${CLUSTER_NAME}`.
pub fn documents() -> Vec<(String, String)> {
    let scope = Scope::conventional(
        "${AWS_PARTITION}",
        "${AWS_REGION}",
        "${AWS_ACCOUNT_ID}",
        "${CLUSTER_NAME}",
    );
    Policy::ALL
        .map(|policy| {
            let name = format!("{}.json", policy.name());
            (name, json(&policy.document(&scope)) + "\n")
        })
        .to_vec()
}

fn json(document: &Document) -> String {
    // Texts, lists and maps with text keys: nothing in it can fail.
    serde_json::to_string_pretty(document).unwrap_or_default()
}

/// The CloudFormation template. Its only parameter is the cluster's name.
pub fn cloudformation() -> String {
    let mut text = String::from(HEAD);
    for name in NODE_POLICIES {
        let _ = writeln!(
            text,
            "        - !Sub \"arn:${{AWS::Partition}}:iam::aws:policy/{name}\""
        );
    }
    let scope = Scope {
        node_role: "${KarpenterNodeRole.Arn}".to_owned(),
        queue: "${KarpenterInterruptionQueue.Arn}".to_owned(),
        ..Scope::conventional(
            "${AWS::Partition}",
            "${AWS::Region}",
            "${AWS::AccountId}",
            "${ClusterName}",
        )
    };
    for policy in Policy::ALL {
        managed_policy(&mut text, policy, &scope);
    }
    text.push_str(QUEUE);
    for (name, (source, kind)) in RULES {
        let _ = write!(
            text,
            "  {name}:\n    Type: AWS::Events::Rule\n    Properties:\n      EventPattern:\n        \
             source:\n          - {source}\n        detail-type:\n          - {kind}\n      \
             Targets:\n        - Id: KarpenterInterruptionQueueTarget\n          Arn: !GetAtt \
             KarpenterInterruptionQueue.Arn\n"
        );
    }
    text.push_str(OUTPUTS);
    for policy in Policy::ALL {
        let name = policy.name();
        let _ = write!(text, "  {name}Arn:\n    Value: !Ref {name}\n");
    }
    text
}

fn managed_policy(text: &mut String, policy: Policy, scope: &Scope) {
    let name = policy.name();
    let _ = write!(
        text,
        "  {name}:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      ManagedPolicyName: \
         !Sub \"{name}-${{ClusterName}}\"\n      # The cluster's name is in keys, which only a text \
         can have.\n      PolicyDocument: !Sub |\n"
    );
    for line in json(&policy.document(scope)).lines() {
        let _ = writeln!(text, "        {line}");
    }
}

const HEAD: &str = r#"# Made by `cargo xtask charts` from crates/aws/src/policy and crates/install/src/iam.rs.
AWSTemplateFormatVersion: "2010-09-09"
Description: What Karpenter needs beside an EKS cluster, the role of nodes, policies of the controller, and the queue of interruptions.
Parameters:
  ClusterName:
    Type: String
    Description: Name of the EKS cluster
Resources:
  KarpenterNodeRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub "KarpenterNodeRole-${ClusterName}"
      Path: /
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal:
              Service: !Sub "ec2.${AWS::URLSuffix}"
            Action: sts:AssumeRole
      ManagedPolicyArns:
"#;

const QUEUE: &str = r#"  KarpenterInterruptionQueue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Ref ClusterName
      MessageRetentionPeriod: 300
      SqsManagedSseEnabled: true
  KarpenterInterruptionQueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues:
        - !Ref KarpenterInterruptionQueue
      PolicyDocument:
        Version: "2012-10-17"
        Id: EC2InterruptionPolicy
        Statement:
          - Sid: AllowEvents
            Effect: Allow
            Principal:
              Service:
                - events.amazonaws.com
                - sqs.amazonaws.com
            Action: sqs:SendMessage
            Resource: !GetAtt KarpenterInterruptionQueue.Arn
          - Sid: DenyHTTP
            Effect: Deny
            Principal: "*"
            Action: sqs:*
            Resource: !GetAtt KarpenterInterruptionQueue.Arn
            Condition:
              Bool:
                aws:SecureTransport: false
"#;

const OUTPUTS: &str = r"Outputs:
  NodeRoleArn:
    Value: !GetAtt KarpenterNodeRole.Arn
  QueueName:
    Value: !GetAtt KarpenterInterruptionQueue.QueueName
";
